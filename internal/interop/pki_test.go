//go:build interop

package interop

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ca"
	"github.com/kyso-vn/kyso/pki/ca/catest"
	"github.com/kyso-vn/kyso/pki/crl"
	"github.com/kyso-vn/kyso/pki/lint"
	"github.com/kyso-vn/kyso/pki/ocsp"
	"github.com/kyso-vn/kyso/pki/profile"
	"github.com/kyso-vn/kyso/pki/tsa"
)

// authority is the city's PKI as the service runs it, on loopback: built-in profiles, a root with a whole CRL, an
// issuing CA with sharded CRLs and OCSP, a time-stamp authority with a certificate of its own. An hour old.
type authority struct {
	dir, url      string
	profiles      *profile.Set
	linter        *lint.Linter
	root, issuing *ca.CA
	keys          map[string]crypto.Signer // by the CA's short name
	shards        map[int]bool             // the shards of the issuing CA's CRL that have a certificate

	mu      sync.Mutex
	revoked map[pki.Serial]time.Time // of the issuing CA
}

// holder is a person or an organisation with a key, in files for the command and at hand for the library.
type holder struct {
	key             crypto.Signer
	cert            *x509.Certificate
	keyFile, pemCrt string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	a := &authority{dir: t.TempDir(), url: server.URL, shards: map[int]bool{}, revoked: map[pki.Serial]time.Time{},
		keys: map[string]crypto.Signer{"root": catest.Key(t, "P-384"), "issuing": catest.Key(t, "P-256")}}
	var err error
	a.profiles, err = profile.Builtin(profile.Options{})
	must(t, err)
	a.linter, err = lint.New()
	must(t, err)
	unborn := a.ca(t, "root", nil)
	a.root = a.ca(t, "root", a.issue(t, unborn, "root", catest.CASubject("Kyso Root CA"), a.keys["root"]))
	a.issuing = a.ca(t, "issuing", a.issue(t, a.root, "issuing", catest.CASubject("Kyso Cơ quan CA"), a.keys["issuing"]))
	writePEM(t, a.anchors(), "CERTIFICATE", a.root.Certificate().Raw)
	writePEM(t, a.chain(), "CERTIFICATE", a.issuing.Certificate().Raw)
	a.serve(t, mux)
	return a
}

func (a *authority) anchors() string { return filepath.Join(a.dir, "root.pem") }
func (a *authority) chain() string   { return filepath.Join(a.dir, "chain.pem") }

func hourAgo() time.Time { return time.Now().Add(-time.Hour) }

func (a *authority) ca(t *testing.T, name string, cert *x509.Certificate) *ca.CA {
	t.Helper()
	made, err := ca.New(ca.Config{Certificate: cert, Signer: a.keys[name], Linter: a.linter, Now: hourAgo,
		Addresses: pki.Addresses{Base: a.url, CA: name}})
	must(t, err)
	return made
}

func (a *authority) issue(t *testing.T, by *ca.CA, name string, subject pki.Subject, key crypto.Signer) *x509.Certificate {
	t.Helper()
	p, err := a.profiles.Get(name)
	must(t, err)
	draft, err := by.Prepare(ca.Request{Profile: p, Subject: subject, PublicKey: key.Public()})
	must(t, err)
	cert, err := by.Issue(t.Context(), draft)
	must(t, err)
	if by.Shards() > 0 {
		serial, err := pki.SerialFromBig(cert.SerialNumber)
		must(t, err)
		a.shards[serial.Shard(by.Shards())] = true
	}
	return cert
}

// certify makes somebody with a key of the kind and a certificate by the profile.
func (a *authority) certify(t *testing.T, name, kind string) holder {
	t.Helper()
	h := holder{key: catest.Key(t, kind)}
	h.cert = a.issue(t, a.issuing, name, catest.Subjects()[name], h.key)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(h.key)
	must(t, err)
	base := filepath.Join(a.dir, name+"-"+h.cert.SerialNumber.Text(16))
	h.keyFile, h.pemCrt = base+".key", base+".pem"
	writePEM(t, h.keyFile, "PRIVATE KEY", pkcs8)
	writePEM(t, h.pemCrt, "CERTIFICATE", h.cert.Raw)
	return h
}

// serve answers at the addresses that the certificates name.
func (a *authority) serve(t *testing.T, mux *http.ServeMux) {
	t.Helper()
	for _, c := range []*ca.CA{a.root, a.issuing} {
		mux.HandleFunc("/ca/"+c.Addresses().CA+".cer", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(c.Certificate().Raw) })
	}
	list := func(w http.ResponseWriter, c *ca.CA, shard int) {
		der, err := a.crl(context.Background(), c, shard)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(der)
	}
	mux.HandleFunc("/crl/root.crl", func(w http.ResponseWriter, _ *http.Request) { list(w, a.root, 0) })
	mux.HandleFunc("/crl/issuing/{shard}", func(w http.ResponseWriter, r *http.Request) {
		var n int
		if _, err := fmt.Sscanf(r.PathValue("shard"), "%d.crl", &n); err != nil {
			http.NotFound(w, r)
			return
		}
		list(w, a.issuing, n)
	})
	key := catest.Key(t, "P-256")
	responder, err := ocsp.New(ocsp.Config{Issuer: a.issuing.Certificate(), Signer: key, Source: a,
		Certificate: a.issue(t, a.issuing, "ocsp", catest.Subjects()["ocsp"], key)})
	must(t, err)
	mux.Handle("/ocsp/issuing", http.StripPrefix("/ocsp/issuing", &ocsp.Handler{Responder: responder}))
	stamping := catest.Key(t, "P-256")
	server, err := tsa.NewServer(tsa.ServerOptions{Signer: stamping, Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 32473, 2, 1},
		Certificate: a.issue(t, a.issuing, "tsa", catest.Subjects()["tsa"], stamping),
		Chain:       []*x509.Certificate{a.issuing.Certificate(), a.root.Certificate()}})
	must(t, err)
	mux.Handle("/tsa", server)
}

// revoke ends a certificate because its key was stolen.
func (a *authority) revoke(t *testing.T, h holder, at time.Time) {
	t.Helper()
	serial, err := pki.SerialFromBig(h.cert.SerialNumber)
	must(t, err)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revoked[serial] = at
}

// Status implements ocsp.StatusSource: what was not revoked is good.
func (a *authority) Status(_ context.Context, _ *x509.Certificate, serials []pki.Serial) ([]ocsp.Status, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]ocsp.Status, len(serials))
	for i, serial := range serials {
		out[i].State = ocsp.Good
		if at, ok := a.revoked[serial]; ok {
			out[i] = ocsp.Status{State: ocsp.Revoked, RevokedAt: at, Reason: pki.KeyCompromise}
		}
	}
	return out, nil
}

// entries are the revoked certificates of one shard.
func (a *authority) entries(shard, shards int) []crl.Entry {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []crl.Entry
	for serial, at := range a.revoked {
		if serial.Shard(shards) == shard {
			out = append(out, crl.Entry{Serial: serial, RevokedAt: at, Reason: pki.KeyCompromise})
		}
	}
	slices.SortFunc(out, func(x, y crl.Entry) int { return bytes.Compare(x.Serial[:], y.Serial[:]) })
	return out
}

func (a *authority) crl(ctx context.Context, c *ca.CA, shard int) ([]byte, error) {
	now := time.Now()
	template := crl.Template{Issuer: c.Certificate(), ThisUpdate: now, NextUpdate: now.Add(24 * time.Hour), Number: crl.Number(now, nil)}
	if c.Shards() > 0 {
		template.Address, template.Shard, template.Shards = c.Addresses().Shard(shard), shard, c.Shards()
		template.Entries = crl.Entries(a.entries(shard, c.Shards()))
	}
	draft, err := crl.Prepare(template, a.linter)
	if err != nil {
		return nil, err
	}
	return crl.Issue(ctx, a.keys[c.Addresses().CA], draft)
}

// trust writes the CRLs of now, so that signatures made before can be judged without the network.
func (a *authority) trust(t *testing.T) Trust {
	t.Helper()
	out := Trust{Anchors: a.anchors(), CRLs: map[string]string{}}
	save := func(name, address string, c *ca.CA, shard int) {
		der, err := a.crl(t.Context(), c, shard)
		must(t, err)
		out.CRLs[address] = filepath.Join(a.dir, name+".crl")
		write(t, out.CRLs[address], der)
	}
	save("root", a.root.Addresses().CRL(), a.root, 0)
	for n := range a.shards {
		save("issuing-"+strconv.Itoa(n), a.issuing.Addresses().Shard(n), a.issuing, n)
	}
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}
