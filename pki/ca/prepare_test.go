package ca_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ca"
	"github.com/kyso-vn/kyso/pki/ca/catest"
	"github.com/kyso-vn/kyso/pki/profile"
)

// agent is a signer like the HSM agent's: it signs recorded messages only, and
// refuses hashes.
type agent struct {
	crypto.Signer
	mu       sync.Mutex
	recorded [][32]byte
	spoil    bool
	calls    atomic.Int64
}

var errNotRecorded = errors.New("no draft of this message is recorded")

func (a *agent) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("hashes are not signed")
}

func (a *agent) SignMessage(random io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	a.calls.Add(1)
	a.mu.Lock()
	known := slices.Contains(a.recorded, sha256.Sum256(message))
	a.mu.Unlock()
	if !known {
		return nil, errNotRecorded
	}
	if a.spoil {
		message = append(bytes.Clone(message), 0)
	}
	return crypto.SignMessage(a.Signer, random, message, opts)
}

func (a *agent) record(d *ca.Draft) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.recorded = append(a.recorded, d.TBSHash())
}

// underAgent is an issuing CA whose key is behind an agent.
func underAgent(t testing.TB) (*catest.World, *ca.CA, *agent) {
	t.Helper()
	w := catest.New(t, catest.Config{})
	a := &agent{Signer: w.IssuingKey}
	authority, err := ca.New(ca.Config{Certificate: w.Issuing.Certificate(), Signer: a, Addresses: w.Issuing.Addresses(), Linter: w.Linter})
	if err != nil {
		t.Fatal(err)
	}
	return w, authority, a
}

func citizen(t testing.TB, w *catest.World) ca.Request {
	t.Helper()
	return ca.Request{Profile: w.Profile(t, "citizen"), Subject: catest.Subjects()["citizen"], PublicKey: catest.Key(t, "P-256").Public()}
}

func TestSignerSeesTheRecordedBytesAndNothingElse(t *testing.T) {
	t.Parallel()
	w, authority, agent := underAgent(t)
	d, err := authority.Prepare(citizen(t, w))
	if err != nil {
		t.Fatal(err)
	}
	if agent.calls.Load() != 0 {
		t.Error("Prepare touched the CA's key")
	}
	if d.TBSHash() != sha256.Sum256(d.TBS()) {
		t.Error("hash isn't that of the bytes")
	}
	agent.record(d)
	c, err := authority.Issue(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(c.RawTBSCertificate, d.TBS()) {
		t.Error("other bytes were signed than recorded")
	}
	unrecorded, err := authority.Prepare(citizen(t, w))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := authority.Issue(t.Context(), unrecorded); !errors.Is(err, errNotRecorded) {
		t.Errorf("unrecorded: %v", err)
	}
	if _, err := authority.Issue(t.Context(), unrecorded); !errors.Is(err, ca.ErrDraftUsed) {
		t.Errorf("again after a failure: %v", err)
	}
}

func TestWrongSignatureNeverLeaves(t *testing.T) {
	t.Parallel()
	w, authority, agent := underAgent(t)
	agent.spoil = true
	d, err := authority.Prepare(citizen(t, w))
	if err != nil {
		t.Fatal(err)
	}
	agent.record(d)
	if c, err := authority.Issue(t.Context(), d); c != nil || !errors.Is(err, pki.ErrSignature) {
		t.Errorf("%v", err)
	}
}

func TestOneOfManyGetsTheDraft(t *testing.T) {
	t.Parallel()
	w, authority, agent := underAgent(t)
	d, err := authority.Prepare(citizen(t, w))
	if err != nil {
		t.Fatal(err)
	}
	agent.record(d)
	var issued, refused atomic.Int64
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			switch _, err := authority.Issue(context.Background(), d); {
			case err == nil:
				issued.Add(1)
			case errors.Is(err, ca.ErrDraftUsed):
				refused.Add(1)
			}
		})
	}
	group.Wait()
	if issued.Load() != 1 || refused.Load() != 63 || agent.calls.Load() != 1 {
		t.Errorf("%d issued, %d refused, %d signatures", issued.Load(), refused.Load(), agent.calls.Load())
	}
}

func TestDraftBelongsToItsCA(t *testing.T) {
	t.Parallel()
	w, authority, _ := underAgent(t)
	d, err := w.Issuing.Prepare(citizen(t, w))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := authority.Issue(t.Context(), d); !errors.Is(err, ca.ErrDraftForeign) {
		t.Errorf("%v", err)
	}
	if _, err := w.Issuing.Issue(t.Context(), d); err != nil {
		t.Errorf("the refusal used the draft up: %v", err)
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	t.Parallel()
	w := catest.New(t, catest.Config{})
	now := time.Now()
	outsider, err := w.Profiles.Get("root")
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		change func(*ca.Request)
		code   pki.Code
	}{
		"no profile":          {func(r *ca.Request) { r.Profile = nil }, ca.ErrRequest},
		"a root":              {func(r *ca.Request) { r.Profile = outsider }, ca.ErrRole},
		"an issuing CA":       {func(r *ca.Request) { r.Profile = w.Profile(t, "issuing") }, ca.ErrRole},
		"no key":              {func(r *ca.Request) { r.PublicKey = nil }, ca.ErrKeyKind},
		"four years":          {func(r *ca.Request) { r.NotAfter = now.AddDate(4, 0, 0) }, ca.ErrValidity},
		"ends before":         {func(r *ca.Request) { r.NotAfter = now.Add(-time.Hour) }, ca.ErrValidity},
		"starts before CA":    {func(r *ca.Request) { r.NotBefore = now.Add(-time.Hour) }, ca.ErrOutlivesCA},
		"outlives CA":         {func(r *ca.Request) { r.NotBefore = now.AddDate(8, 0, 0) }, ca.ErrOutlivesCA},
		"officer's subject":   {func(r *ca.Request) { r.Subject = catest.Subjects()["officer"] }, pki.ErrSubjectAttribute},
		"out of order":        {func(r *ca.Request) { slices.Reverse(r.Subject) }, pki.ErrSubjectAttribute},
		"NFD":                 {func(r *ca.Request) { r.Subject[3].Value = "Nguye\u0302\u0303n" }, pki.ErrSubjectNotNFC},
		"MNS for a citizen":   {func(r *ca.Request) { r.Subject[4].Value = "MNS:1" }, pki.ErrSubjectValue},
		"another country":     {func(r *ca.Request) { r.Subject[0].Value = "US" }, pki.ErrSubjectValue},
		"markup in the name":  {func(r *ca.Request) { r.Subject[3].Value = "&lt;b&gt;" }, "lint_failed"},
		"serial of two bytes": {func(r *ca.Request) { r.Serial, _ = pki.SerialFromBig(big.NewInt(513)) }, "lint_failed"},
	} {
		r := citizen(t, w)
		row.change(&r)
		if _, err := w.Issuing.Prepare(r); !errors.Is(err, row.code) {
			t.Errorf("%s: %v, want %s", name, err, row.code)
		}
	}
}

func TestReservedSerialAndPeriodAreKept(t *testing.T) {
	t.Parallel()
	w := catest.New(t, catest.Config{})
	serial, err := pki.NewSerial(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r := citizen(t, w)
	r.Serial = serial
	c := w.Issue(t, w.Issuing, r)
	if c.SerialNumber.Cmp(serial.Big()) != 0 {
		t.Error("another serial number")
	}
	if want := c.NotBefore.AddDate(3, 0, 0).Add(-time.Second); !c.NotAfter.Equal(want) {
		t.Errorf("ends %v, want %v", c.NotAfter, want)
	}
	if got, want := c.CRLDistributionPoints[0], w.Issuing.Addresses().Shard(serial.Shard(pki.DefaultShards)); got != want {
		t.Errorf("CRL at %s, want %s", got, want)
	}
}

func TestConfigThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	w := catest.New(t, catest.Config{})
	leaf, key := w.Certify(t, "citizen")
	good := ca.Config{Certificate: w.Issuing.Certificate(), Signer: w.IssuingKey, Addresses: w.Issuing.Addresses(), Linter: w.Linter}
	for name, row := range map[string]struct {
		change func(*ca.Config)
		code   pki.Code
	}{
		"no signer":      {func(c *ca.Config) { c.Signer = nil }, ca.ErrConfig},
		"another key":    {func(c *ca.Config) { c.Signer = w.RootKey }, ca.ErrConfig},
		"a citizen's":    {func(c *ca.Config) { c.Certificate, c.Signer = leaf, key }, ca.ErrConfig},
		"no address":     {func(c *ca.Config) { c.Addresses = pki.Addresses{} }, pki.ErrAddress},
		"one shard":      {func(c *ca.Config) { c.Shards = 1 }, ca.ErrConfig},
		"unsupported":    {func(c *ca.Config) { c.Certificate, c.Signer = nil, p521(t) }, pki.ErrKeyType},
		"million shards": {func(c *ca.Config) { c.Shards = 1_000_000 }, ca.ErrConfig},
	} {
		c := good
		row.change(&c)
		if _, err := ca.New(c); !errors.Is(err, row.code) {
			t.Errorf("%s: %v, want %s", name, err, row.code)
		}
	}
}

func p521(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// withPSS is the built-in profile with pss set, as an operator's file would.
func withPSS(t *testing.T, name string) *profile.Profile {
	t.Helper()
	text := []byte("name: " + name + `
version: 2
role: subscriber
kind: citizen
regime: cong_cong
pss: true
subject: [{type: C}, {type: ST}, {type: L}, {type: CN, required: true}, {type: UID, repeat: true, prefixes: [CCCD, MST]}]
validity: {default: 1y, max: 3y}
keys: {curves: [P-256]}
key_usage: [digitalSignature, nonRepudiation]
ext_key_usage: [documentSigning]
policies: [2.16.704.1.1]
ocsp: true
ca_issuers: true
crl: true
`)
	p, err := profile.Parse(text, profile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestOpenSSLAcceptsEveryProfileAndScheme(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"P-256", "P-384", "RSA-3072"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := catest.New(t, catest.Config{RootKey: catest.Key(t, kind), IssuingKey: catest.Key(t, kind)})
			dir := t.TempDir()
			root := catest.WritePEM(t, filepath.Join(dir, "root.pem"), "CERTIFICATE", w.Root.Certificate().Raw)
			issuing := catest.WritePEM(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", w.Issuing.Certificate().Raw)
			leaves := map[string]*x509.Certificate{}
			for name := range catest.Subjects() {
				leaves[name], _ = w.Certify(t, name)
			}
			r := citizen(t, w)
			r.Profile = withPSS(t, "pss")
			leaves["pss"] = w.Issue(t, w.Issuing, r)
			if pss := leaves["pss"].SignatureAlgorithm == x509.SHA256WithRSAPSS; pss != (kind == "RSA-3072") {
				t.Errorf("PSS profile gave %v", leaves["pss"].SignatureAlgorithm)
			}
			purposes := map[string]string{"tsa": "timestampsign", "ocsp": "ocsphelper", "citizen": "smimesign"}
			for name, leaf := range leaves {
				purpose := purposes[name]
				if purpose == "" {
					purpose = "any"
				}
				file := catest.WritePEM(t, filepath.Join(dir, name+".pem"), "CERTIFICATE", leaf.Raw)
				out, err := exec.Command("openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", root, "-untrusted", issuing, file).CombinedOutput()
				if err != nil {
					t.Errorf("%s as %s: %v\n%s", name, purpose, err, out)
				}
			}
		})
	}
}
