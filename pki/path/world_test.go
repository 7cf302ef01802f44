package path

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/pki"
	xocsp "golang.org/x/crypto/ocsp"
)

// world is a root, an issuing CA and a leaf, on a time line around now: all are
// valid from one hour ago until one hour ahead.
type world struct {
	now            time.Time
	root, ica, end *entity
}

type entity struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

var serials struct {
	sync.Mutex
	last int64
}

func nextSerial() *big.Int {
	serials.Lock()
	defer serials.Unlock()
	serials.last++
	return big.NewInt(1<<40 + serials.last)
}

// issue makes a certificate by parent (itself when nil). change comes last.
func issue(t testing.TB, now time.Time, cn string, parent *entity, ca bool, change func(*x509.Certificate)) *entity {
	t.Helper()
	return issueKey(t, now, cn, must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t), parent, ca, change)
}

func issueKey(t testing.TB, now time.Time, cn string, key crypto.Signer, parent *entity, ca bool, change func(*x509.Certificate)) *entity {
	t.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: nextSerial(), Subject: pkix.Name{Country: []string{"VN"}, CommonName: cn},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if ca {
		tmpl.IsCA, tmpl.BasicConstraintsValid, tmpl.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	}
	if change != nil {
		change(tmpl)
	}
	signer, issuer := key, tmpl
	if parent != nil {
		signer, issuer = parent.key, parent.cert
	}
	der := must(x509.CreateCertificate(rand.Reader, tmpl, issuer, key.Public(), signer))(t)
	return &entity{must(x509.ParseCertificate(der))(t), key}
}

// spoil changes the parts of a world before they are issued.
type spoil struct{ root, ica, end func(*x509.Certificate) }

func newWorld(t testing.TB, s spoil) *world {
	t.Helper()
	w := &world{now: time.Now().Truncate(time.Second)}
	w.root = issue(t, w.now, "Gốc", nil, true, s.root)
	w.ica = issue(t, w.now, "CA cấp dưới", w.root, true, s.ica)
	w.end = issue(t, w.now, "Nguyễn Văn Ký", w.ica, false, s.end)
	return w
}

func (w *world) options() Options {
	return Options{
		Anchors:       []AnchorList{{Name: "thử", Certificates: []*x509.Certificate{w.root.cert}}},
		Intermediates: []*x509.Certificate{w.ica.cert}, Now: w.now,
	}
}

// ocspOptions describe a response; times are relative to now.
type ocspOptions struct {
	status     int
	revokedAt  time.Duration
	reason     pki.Reason
	this, next time.Duration
	responder  *entity // nil = the issuer itself
	noNext     bool
}

func (w *world) ocsp(t testing.TB, about, issuer *entity, o ocspOptions) []byte {
	t.Helper()
	tmpl := xocsp.Response{
		Status: o.status, SerialNumber: about.cert.SerialNumber, ThisUpdate: w.now.Add(o.this), NextUpdate: w.now.Add(o.next),
		RevokedAt: w.now.Add(o.revokedAt), RevocationReason: int(o.reason),
	}
	if o.noNext {
		tmpl.NextUpdate = time.Time{}
	}
	responder := issuer
	if o.responder != nil {
		responder = o.responder
		tmpl.Certificate = responder.cert
	}
	return must(xocsp.CreateResponse(issuer.cert, responder.cert, tmpl, responder.key))(t)
}

// crlOptions describe a list; times are relative to now.
type crlOptions struct {
	this, next time.Duration
	revoked    []x509.RevocationListEntry
	extra      []pkix.Extension
}

func (w *world) crl(t testing.TB, issuer *entity, o crlOptions) []byte {
	t.Helper()
	return must(x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: nextSerial(), ThisUpdate: w.now.Add(o.this), NextUpdate: w.now.Add(o.next),
		RevokedCertificateEntries: o.revoked, ExtraExtensions: o.extra,
	}, issuer.cert, issuer.key))(t)
}

func (w *world) entry(e *entity, at time.Duration, reason pki.Reason) x509.RevocationListEntry {
	return x509.RevocationListEntry{SerialNumber: e.cert.SerialNumber, RevocationTime: w.now.Add(at), ReasonCode: int(reason)}
}

// idp is a critical IssuingDistributionPoint: DER of its fields follows.
func idp(t testing.TB, fields ...asn1.RawValue) pkix.Extension {
	t.Helper()
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: must(asn1.Marshal(fields))(t)}
}

// fullName is distributionPoint [0] { fullName [0] { uniformResourceIdentifier [6] } }.
func fullName(t testing.TB, uri string) asn1.RawValue {
	t.Helper()
	name := must(asn1.Marshal(asn1.RawValue{Class: 2, Tag: 6, Bytes: []byte(uri)}))(t)
	full := must(asn1.Marshal(asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: name}))(t)
	return asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: full}
}

// fakeFetcher answers from maps and counts.
type fakeFetcher struct {
	mu    sync.Mutex
	ocsps map[string][]byte
	crls  map[string][]byte
	asked []string
}

var errUnreachable = errors.New("unreachable")

func (f *fakeFetcher) get(m map[string][]byte, url string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, url)
	if der, ok := m[url]; ok {
		return bytes.Clone(der), nil
	}
	return nil, errUnreachable
}

func (f *fakeFetcher) OCSP(_ context.Context, url string, request []byte) ([]byte, error) {
	if _, err := xocsp.ParseRequest(request); err != nil {
		return nil, err
	}
	return f.get(f.ocsps, url)
}

func (f *fakeFetcher) CRL(_ context.Context, url string) ([]byte, error) { return f.get(f.crls, url) }
