// Package trust is a small PKI that answers on loopback, for tests and benchmarks: a root, an
// issuing CA, its OCSP responder, CRLs and a time-stamp authority, all by the packages of pki.
package trust

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ocsp"
	"github.com/kyso-vn/kyso/pki/tsa"
)

// World is the PKI. Its certificates are valid from an hour ago for two days.
type World struct {
	Root, CA *x509.Certificate
	TSA      *tsa.Server
	// URL is the base of all addresses: URL+"/tsa", "/ocsp", "/ca.crl", "/root.crl".
	URL string
	// Asked counts requests by path.
	Asked Counter

	rootKey, caKey crypto.Signer
	server         *httptest.Server
	serial         atomic.Int64
	mu             sync.Mutex
	revoked        map[pki.Serial]time.Time
	down           map[string]bool
}

// Person is somebody with a key, a certificate of the World's issuing CA, and the CAs above.
type Person struct {
	Key   crypto.Signer
	Cert  *x509.Certificate
	Chain []*x509.Certificate
}

var policy = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1, 1}

// New makes a World and starts its server. Close ends it.
func New() (*World, error) {
	w := &World{revoked: map[pki.Serial]time.Time{}, down: map[string]bool{}}
	w.serial.Store(1 << 40)
	mux := http.NewServeMux()
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.Asked.add(r.URL.Path)
		if w.isDown(r.URL.Path) {
			http.Error(rw, "down", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(rw, r)
	}))
	w.URL = w.server.URL
	if err := w.build(mux); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// Close stops the server.
func (w *World) Close() { w.server.Close() }

func (w *World) build(mux *http.ServeMux) error {
	var err, err2 error
	w.rootKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.caKey, err2 = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	root := w.template("Gốc thử nghiệm")
	ca(root)
	if w.Root, err = w.issue(root, root, w.rootKey.Public(), w.rootKey); err != nil {
		return err
	}
	sub := w.template("CA thử nghiệm")
	ca(sub)
	sub.CRLDistributionPoints = []string{w.URL + "/root.crl"}
	if w.CA, err = w.issue(sub, w.Root, w.caKey.Public(), w.rootKey); err != nil {
		return err
	}
	if err := w.authority(mux); err != nil {
		return err
	}
	if err := w.responder(mux); err != nil {
		return err
	}
	mux.HandleFunc("/root.crl", func(rw http.ResponseWriter, _ *http.Request) { w.list(rw, w.Root) })
	mux.HandleFunc("/ca.crl", func(rw http.ResponseWriter, _ *http.Request) { w.list(rw, w.CA) })
	return nil
}

// authority makes the TSA, whose certificate has a CRL and no OCSP.
func (w *World) authority(mux *http.ServeMux) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t := w.template("Cơ quan cấp dấu thời gian thử nghiệm")
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.CRLDistributionPoints = []string{w.URL + "/ca.crl"}
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	if err != nil {
		return err
	}
	t.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}}
	cert, err := w.issue(t, w.CA, key.Public(), w.caKey)
	if err != nil {
		return err
	}
	w.TSA, err = tsa.NewServer(tsa.ServerOptions{Certificate: cert, Chain: []*x509.Certificate{w.CA, w.Root}, Signer: key, Policy: policy})
	mux.Handle("/tsa", w.TSA)
	return err
}

func (w *World) responder(mux *http.ServeMux) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t := w.template("OCSP thử nghiệm")
	t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
	t.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, Value: asn1.NullBytes}}
	cert, err := w.issue(t, w.CA, key.Public(), w.caKey)
	if err != nil {
		return err
	}
	r, err := ocsp.New(ocsp.Config{Issuer: w.CA, Certificate: cert, Signer: key, Source: w})
	if err != nil {
		return err
	}
	mux.Handle("/ocsp", http.StripPrefix("/ocsp", &ocsp.Handler{Responder: r}))
	return nil
}

// Status implements ocsp.StatusSource: all is good but what was revoked.
func (w *World) Status(_ context.Context, _ *x509.Certificate, serials []pki.Serial) ([]ocsp.Status, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]ocsp.Status, len(serials))
	for i, s := range serials {
		out[i] = ocsp.Status{State: ocsp.Good}
		if at, ok := w.revoked[s]; ok {
			out[i] = ocsp.Status{State: ocsp.Revoked, RevokedAt: at, Reason: pki.KeyCompromise}
		}
	}
	return out, nil
}

// Revoke revokes a certificate of the issuing CA.
func (w *World) Revoke(c *x509.Certificate, at time.Time) error {
	s, err := pki.SerialFromBig(c.SerialNumber)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revoked[s] = at
	return nil
}

// SetDown makes a path answer 503, or come back.
func (w *World) SetDown(path string, down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down[path] = down
}

func (w *World) isDown(path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.down[path]
}

// Person makes a person with a key of the caller's.
func (w *World) Person(name string, key crypto.Signer) (*Person, error) {
	t := w.template(name)
	t.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
	t.OCSPServer = []string{w.URL + "/ocsp"}
	t.CRLDistributionPoints = []string{w.URL + "/ca.crl"}
	cert, err := w.issue(t, w.CA, key.Public(), w.caKey)
	if err != nil {
		return nil, err
	}
	return &Person{key, cert, []*x509.Certificate{w.CA, w.Root}}, nil
}

// CRL returns the current list of the root or the issuing CA.
func (w *World) CRL(issuer *x509.Certificate) ([]byte, error) {
	key := w.caKey
	if issuer == w.Root {
		key = w.rootKey
	}
	w.mu.Lock()
	var entries []x509.RevocationListEntry
	for s, at := range w.revoked {
		if issuer == w.CA {
			entries = append(entries, x509.RevocationListEntry{SerialNumber: s.Big(), RevocationTime: at, ReasonCode: int(pki.KeyCompromise)})
		}
	}
	w.mu.Unlock()
	now := time.Now()
	return x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(w.serial.Add(1)), ThisUpdate: now.Add(-time.Minute), NextUpdate: now.Add(24 * time.Hour), RevokedCertificateEntries: entries,
	}, issuer, key)
}

func (w *World) list(rw http.ResponseWriter, issuer *x509.Certificate) {
	der, err := w.CRL(issuer)
	if err != nil {
		http.Error(rw, "no list", http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "application/pkix-crl")
	_, _ = rw.Write(der)
}

func (w *World) template(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(w.serial.Add(1)), Subject: pkix.Name{Country: []string{"VN"}, CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(48 * time.Hour), BasicConstraintsValid: true,
	}
}

func ca(t *x509.Certificate) {
	t.IsCA, t.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
}

func (w *World) issue(t, parent *x509.Certificate, public crypto.PublicKey, by crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, t, parent, public, by)
	if err != nil {
		return nil, fmt.Errorf("issue %q: %w", t.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

// Counter counts by name.
type Counter struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *Counter) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[name]++
}

// Of returns how often name was counted.
func (c *Counter) Of(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[name]
}

// PEM encodes certificates.
func PEM(certs ...*x509.Certificate) []byte {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}
