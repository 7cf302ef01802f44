package ocsp_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	xocsp "golang.org/x/crypto/ocsp"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ca"
	"github.com/kyso-vn/kyso/pki/ca/catest"
	"github.com/kyso-vn/kyso/pki/ocsp"
)

// ledger is a StatusSource in memory.
type ledger struct {
	mu       sync.Mutex
	statuses map[pki.Serial]ocsp.Status
	err      error
	asked    int
}

func (l *ledger) Status(_ context.Context, _ *x509.Certificate, serials []pki.Serial) ([]ocsp.Status, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	out := make([]ocsp.Status, len(serials))
	for i, s := range serials {
		out[i] = l.statuses[s]
	}
	return out, l.err
}

func (l *ledger) set(s pki.Serial, status ocsp.Status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.statuses[s] = status
}

// countingSigner counts signatures and can be switched off.
type countingSigner struct {
	crypto.Signer
	count atomic.Int64
	off   atomic.Bool
}

var errSignerGone = errors.New("signer is gone")

// SignMessage makes it a crypto.MessageSigner, as the HSM agent's are.
func (s *countingSigner) SignMessage(rand io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if s.off.Load() {
		return nil, errSignerGone
	}
	s.count.Add(1)
	return crypto.SignMessage(s.Signer, rand, message, opts)
}

// rig is a responder with its CA, and one certificate in each state.
type rig struct {
	*catest.World
	ledger    *ledger
	signer    *countingSigner
	responder *ocsp.Responder
	delegate  *x509.Certificate
	now       atomic.Int64 // added to the time, in seconds

	good, revoked, held pki.Serial
}

func newRig(t testing.TB, kind string, change func(*ocsp.Config)) *rig {
	t.Helper()
	r := &rig{World: catest.New(t, catest.Config{IssuingKey: catest.Key(t, kind)}), ledger: &ledger{statuses: map[pki.Serial]ocsp.Status{}}}
	key := catest.Key(t, kind)
	r.signer = &countingSigner{Signer: key}
	r.delegate = r.Issue(t, r.Issuing, ca.Request{Profile: r.Profile(t, "ocsp"), Subject: catest.CASubject("OCSP 1"), PublicKey: key.Public()})
	c := ocsp.Config{Issuer: r.Issuing.Certificate(), Certificate: r.delegate, Signer: r.signer, Source: r.ledger,
		Retention: 10 * 365 * 24 * time.Hour,
		Now:       func() time.Time { return time.Now().Add(time.Duration(r.now.Load()) * time.Second) }}
	if change != nil {
		change(&c)
	}
	var err error
	if r.responder, err = ocsp.New(c); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Minute).UTC().Truncate(time.Second)
	for _, one := range []struct {
		serial *pki.Serial
		status ocsp.Status
	}{
		{&r.good, ocsp.Status{State: ocsp.Good}},
		{&r.revoked, ocsp.Status{State: ocsp.Revoked, RevokedAt: at, Reason: pki.KeyCompromise}},
		{&r.held, ocsp.Status{State: ocsp.Revoked, RevokedAt: at, Reason: pki.CertificateHold}},
	} {
		*one.serial = newSerial(t)
		r.ledger.set(*one.serial, one.status)
	}
	return r
}

func newSerial(t testing.TB) pki.Serial {
	t.Helper()
	s, err := pki.NewSerial(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// request encodes a request for the given serial numbers.
func (r *rig) request(t testing.TB, hash crypto.Hash, nonce []byte, serials ...pki.Serial) []byte {
	t.Helper()
	q := ocsp.Request{Nonce: nonce}
	for _, s := range serials {
		id, err := ocsp.NewCertID(r.Issuing.Certificate(), s, hash)
		if err != nil {
			t.Fatal(err)
		}
		q.IDs = append(q.IDs, id)
	}
	der, err := q.DER()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// ask answers and verifies by our own client.
func (r *rig) ask(t testing.TB, serial pki.Serial) *ocsp.Single {
	t.Helper()
	a, err := r.responder.Respond(t.Context(), r.request(t, crypto.SHA1, nil, serial))
	if err != nil {
		t.Fatal(err)
	}
	one, err := ocsp.VerifyResponse(a.DER, ocsp.Check{Issuer: r.Issuing.Certificate(), Serial: serial, At: a.ThisUpdate})
	if err != nil {
		t.Fatal(err)
	}
	return one
}

func TestEachStateIsToldAsItIs(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"P-256", "P-384", "RSA-3072"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, kind, nil)
			for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
				for _, row := range []struct {
					serial pki.Serial
					status int
					reason int
				}{
					{r.good, xocsp.Good, 0},
					{r.revoked, xocsp.Revoked, xocsp.KeyCompromise},
					{r.held, xocsp.Revoked, xocsp.CertificateHold},
					{newSerial(t), xocsp.Unknown, 0},
				} {
					a, err := r.responder.Respond(t.Context(), r.request(t, hash, nil, row.serial))
					if err != nil {
						t.Fatal(err)
					}
					judge, err := xocsp.ParseResponse(a.DER, r.Issuing.Certificate())
					if err != nil {
						t.Fatal(err)
					}
					if judge.Status != row.status || judge.RevocationReason != row.reason || judge.IssuerHash != hash ||
						judge.SerialNumber.Cmp(row.serial.Big()) != 0 {
						t.Errorf("%v: %+v, want status %d, reason %d", hash, judge, row.status, row.reason)
					}
				}
			}
		})
	}
}

func TestNeverIssuedIsNeverGood(t *testing.T) {
	t.Parallel()
	r := newRig(t, "P-256", nil)
	for range 1000 {
		if one := r.ask(t, newSerial(t)); one.State != ocsp.Unknown {
			t.Fatalf("%+v", one)
		}
	}
}

func TestSeveralCertificatesAndNonceInOneRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t, "P-256", nil)
	for _, size := range []int{1, 16, 32, 128} {
		nonce := make([]byte, size)
		if _, err := rand.Read(nonce); err != nil {
			t.Fatal(err)
		}
		a, err := r.responder.Respond(t.Context(), r.request(t, crypto.SHA256, nonce, r.good, r.revoked, r.held))
		if err != nil {
			t.Fatal(err)
		}
		if a.Cacheable {
			t.Error("an answer with a nonce is for one client only")
		}
		for serial, want := range map[pki.Serial]ocsp.State{r.good: ocsp.Good, r.revoked: ocsp.Revoked, r.held: ocsp.Revoked} {
			one, err := ocsp.VerifyResponse(a.DER, ocsp.Check{Issuer: r.Issuing.Certificate(), Serial: serial, At: time.Now(), Nonce: nonce})
			if err != nil || one.State != want {
				t.Errorf("%+v, %v", one, err)
			}
			if err == nil && one.ArchiveCutoff.IsZero() {
				t.Error("no archiveCutoff")
			}
		}
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, "P-256", nil)
	many := make([]pki.Serial, 65)
	for i := range many {
		many[i] = r.good
	}
	thousand := append(make([]pki.Serial, 0, 1000), many...)
	for len(thousand) < 1000 {
		thousand = append(thousand, r.good)
	}
	foreign, err := ocsp.NewCertID(r.Root.Certificate(), r.good, crypto.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	foreignRequest, err := (&ocsp.Request{IDs: []ocsp.CertID{foreign}}).DER()
	if err != nil {
		t.Fatal(err)
	}
	long := append([]byte{0x30, 0x82, 0x27, 0x10}, make([]byte, 10_000)...)
	for name, row := range map[string]struct {
		request []byte
		code    pki.Code
		status  ocsp.ResponseStatus
	}{
		"empty":           {nil, ocsp.ErrMalformed, ocsp.MalformedRequest},
		"empty sequence":  {[]byte{0x30, 0}, ocsp.ErrMalformed, ocsp.MalformedRequest},
		"cut length":      {[]byte{0x30, 0x81}, ocsp.ErrMalformed, ocsp.MalformedRequest},
		"cut long length": {[]byte{0x30, 0x84, 0x01}, ocsp.ErrMalformed, ocsp.MalformedRequest},
		"zeros":           {long, ocsp.ErrMalformed, ocsp.MalformedRequest},
		"trailing bytes":  {append(r.request(t, crypto.SHA1, nil, r.good), 0), ocsp.ErrMalformed, ocsp.MalformedRequest},
		"too many":        {r.request(t, crypto.SHA1, nil, many...), ocsp.ErrTooMany, ocsp.MalformedRequest},
		"1,000":           {r.request(t, crypto.SHA1, nil, thousand...), ocsp.ErrTooLarge, ocsp.MalformedRequest},
		"nonce of 10 kB":  {withNonce(t, r.request(t, crypto.SHA1, make([]byte, 128), r.good), 10_000), ocsp.ErrNonce, ocsp.MalformedRequest},
		"another CA's":    {foreignRequest, ocsp.ErrNotAuthorized, ocsp.Unauthorized},
	} {
		a, err := r.responder.Respond(t.Context(), row.request)
		if pki.CodeOf(err) != row.code || a.Status != row.status || a.Cacheable {
			t.Errorf("%s: %v, status %d", name, err, a.Status)
		}
		if _, err := ocsp.Parse(a.DER); !errors.Is(err, ocsp.ErrStatus) {
			t.Errorf("%s: our client reads the refusal as %v", name, err)
		}
	}
	if n := r.signer.count.Load(); n != 0 {
		t.Errorf("%d signatures for refusals", n)
	}
}

func TestRevocationEmptiesTheCache(t *testing.T) {
	t.Parallel()
	r := newRig(t, "P-256", nil)
	for range 10 {
		if r.ask(t, r.good).State != ocsp.Good {
			t.Fatal("not good")
		}
	}
	if n := r.signer.count.Load(); n != 1 {
		t.Errorf("%d signatures for 10 equal questions", n)
	}
	r.ledger.set(r.good, ocsp.Status{State: ocsp.Revoked, RevokedAt: time.Now(), Reason: pki.Superseded})
	r.responder.Forget(r.good)
	if one := r.ask(t, r.good); one.State != ocsp.Revoked || one.Reason != pki.Superseded {
		t.Errorf("after the revocation: %+v", one)
	}
}

func TestUntoldResponderSeesRevocationWhenNoLongerFresh(t *testing.T) {
	t.Parallel()
	r := newRig(t, "P-256", nil)
	r.ask(t, r.good)
	r.ledger.set(r.good, ocsp.Status{State: ocsp.Revoked, RevokedAt: time.Now(), Reason: pki.Superseded})
	r.now.Store(11)
	if one := r.ask(t, r.good); one.State != ocsp.Revoked {
		t.Errorf("after 11 s: %+v", one)
	}
}

func TestUnchangedStatusIsSignedAgainAtHalfOfTheValidity(t *testing.T) {
	t.Parallel()
	r := newRig(t, "P-256", nil)
	for _, row := range []struct{ after, signatures int64 }{{0, 1}, {1700, 1}, {1900, 2}, {3500, 2}, {3800, 3}} {
		r.now.Store(row.after)
		r.ask(t, r.good)
		if n := r.signer.count.Load(); n != row.signatures {
			t.Errorf("after %d s: %d signatures, want %d", row.after, n, row.signatures)
		}
	}
}

func TestSignerGoneRepeatsOnlyWhatIsStillTrue(t *testing.T) {
	t.Parallel()
	r := newRig(t, "P-256", nil)
	r.ask(t, r.good)
	r.signer.off.Store(true)
	r.now.Store(1900) // past half of the validity, a new signature is due
	a, err := r.responder.Respond(t.Context(), r.request(t, crypto.SHA1, nil, r.good))
	if !errors.Is(err, errSignerGone) || a.Status != ocsp.Successful {
		t.Errorf("still good: status %d, %v", a.Status, err)
	}
	r.ledger.set(r.good, ocsp.Status{State: ocsp.Revoked, RevokedAt: time.Now(), Reason: pki.Superseded})
	a, err = r.responder.Respond(t.Context(), r.request(t, crypto.SHA1, nil, r.good))
	if !errors.Is(err, errSignerGone) || a.Status != ocsp.TryLater {
		t.Errorf("revoked since: status %d, %v", a.Status, err)
	}
	r.ledger.err = errors.New("database is gone")
	a, err = r.responder.Respond(t.Context(), r.request(t, crypto.SHA1, nil, r.revoked))
	if !errors.Is(err, ocsp.ErrSource) || a.Status != ocsp.TryLater {
		t.Errorf("no source: status %d, %v", a.Status, err)
	}
}

func TestClientRefusesWhatProvesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, "P-256", nil)
	a, err := r.responder.Respond(t.Context(), r.request(t, crypto.SHA1, nil, r.good))
	if err != nil {
		t.Fatal(err)
	}
	leaf, leafKey := r.Certify(t, "citizen")
	usurper := &ocsp.Config{Issuer: r.Issuing.Certificate(), Certificate: leaf, Signer: leafKey, Source: r.ledger}
	if _, err := ocsp.New(*usurper); !errors.Is(err, ocsp.ErrResponder) {
		t.Errorf("a citizen as responder: %v", err)
	}
	tampered := append([]byte(nil), a.DER...)
	tampered[len(tampered)/4] ^= 1
	for name, row := range map[string]struct {
		der   []byte
		check ocsp.Check
		code  pki.Code
	}{
		"as it is":          {a.DER, ocsp.Check{Issuer: r.Issuing.Certificate(), Serial: r.good, At: time.Now()}, ""},
		"another serial":    {a.DER, ocsp.Check{Issuer: r.Issuing.Certificate(), Serial: r.revoked, At: time.Now()}, ocsp.ErrAbsent},
		"another CA":        {a.DER, ocsp.Check{Issuer: r.Root.Certificate(), Serial: r.good, At: time.Now()}, ocsp.ErrResponder},
		"too late":          {a.DER, ocsp.Check{Issuer: r.Issuing.Certificate(), Serial: r.good, At: time.Now().Add(2 * time.Hour)}, ocsp.ErrStale},
		"too early":         {a.DER, ocsp.Check{Issuer: r.Issuing.Certificate(), Serial: r.good, At: a.ThisUpdate.Add(-time.Hour)}, ocsp.ErrResponder},
		"responder expired": {a.DER, ocsp.Check{Issuer: r.Issuing.Certificate(), Serial: r.good, At: time.Now().AddDate(1, 0, 0)}, ocsp.ErrResponder},
		"no nonce":          {a.DER, ocsp.Check{Issuer: r.Issuing.Certificate(), Serial: r.good, At: time.Now(), Nonce: []byte("x")}, ocsp.ErrNonce},
		"tampered":          {tampered, ocsp.Check{Issuer: r.Issuing.Certificate(), Serial: r.good, At: time.Now()}, "any"},
	} {
		_, err := ocsp.VerifyResponse(row.der, row.check)
		if code := pki.CodeOf(err); code != row.code && !(row.code == "any" && err != nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
