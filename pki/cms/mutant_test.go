package cms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// bench is a SignedData in pieces, so that each can be replaced before it is
// put together and, where wanted, signed again.
type bench struct {
	t           *testing.T
	key         crypto.Signer
	cert, other *x509.Certificate
	content     []byte

	outerOID    asn1.ObjectIdentifier
	version     int64
	digestAlgs  [][]byte
	eType       asn1.ObjectIdentifier
	eContent    []byte
	certs       [][]byte
	attrs       [][]byte // nil = signed attributes are absent
	sid         []byte
	digestAlg   []byte
	sigAlg      []byte
	hash        crypto.Hash
	opts        crypto.SignerOpts
	spoilValue  func([]byte) []byte // after signing
	spoilAttrs  func([][]byte)      // after signing
	signers     int
	behind      []byte
	unsigned    []byte
	emptyAttrs  bool
	signContent bool // the value is over the content itself
}

func alg(oid asn1.ObjectIdentifier, null bool) []byte {
	var b cryptobyte.Builder
	addAlgorithm(&b, oid, null)
	return b.BytesOrPanic()
}

func attr(oid asn1.ObjectIdentifier, values ...[]byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
			for _, v := range values {
				b.AddBytes(v)
			}
		})
	})
	return b.BytesOrPanic()
}

func octetString(v []byte) []byte { return prependHeader(tagOctetString, v) }

// newBench is a good signature by a P-256 key.
func newBench(t *testing.T) *bench {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	return newBenchKey(t, key, alg(oidECDSAWithSHA256, false), crypto.SHA256)
}

func newBenchKey(t *testing.T, key crypto.Signer, sigAlg []byte, opts crypto.SignerOpts) *bench {
	cert, _ := newCert(t, key.Public())
	other, _ := newCert(t, must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t).Public())
	b := &bench{
		t: t, key: key, cert: cert, other: other, content: []byte("văn bản"), outerOID: OIDSignedData, version: 1,
		digestAlgs: [][]byte{alg(oidSHA256, false)}, eType: OIDData, certs: [][]byte{cert.Raw},
		digestAlg: alg(oidSHA256, false), sigAlg: sigAlg, hash: crypto.SHA256, opts: opts, signers: 1,
	}
	b.sid = sidOf(cert)
	b.attrs = [][]byte{b.typeAttr(OIDData), b.digestAttr(b.content), b.essAttr(cert)}
	return b
}

func sidOf(cert *x509.Certificate) []byte {
	var s cryptobyte.Builder
	s.AddASN1(cbasn1.SEQUENCE, func(s *cryptobyte.Builder) {
		s.AddBytes(cert.RawIssuer)
		s.AddASN1BigInt(cert.SerialNumber)
	})
	return s.BytesOrPanic()
}

func (b *bench) typeAttr(oid asn1.ObjectIdentifier) []byte {
	return attr(OIDContentType, must(oidValue(oid))(b.t))
}

func (b *bench) digestAttr(content []byte) []byte {
	return attr(OIDMessageDigest, octetString(b.sum(content)))
}

func (b *bench) essAttr(cert *x509.Certificate) []byte {
	a := must(SigningCertificateV2(cert))(b.t)
	return must(a.Marshal())(b.t)
}

func (b *bench) sum(data []byte) []byte {
	h := b.hash.New()
	h.Write(data)
	return h.Sum(nil)
}

// der signs and puts together.
func (b *bench) der() []byte {
	slices.SortFunc(b.attrs, bytes.Compare)
	message := prependHeader(0x31, bytes.Join(b.attrs, nil))
	if b.attrs == nil || b.signContent {
		message = b.content
	}
	value := must(b.key.Sign(rand.Reader, b.sum(message), b.opts))(b.t)
	if b.spoilValue != nil {
		value = b.spoilValue(value)
	}
	if b.spoilAttrs != nil {
		b.spoilAttrs(b.attrs)
	}
	var out cryptobyte.Builder
	out.AddASN1(cbasn1.SEQUENCE, func(o *cryptobyte.Builder) {
		o.AddASN1ObjectIdentifier(b.outerOID)
		o.AddASN1(ctx(0), func(o *cryptobyte.Builder) {
			o.AddASN1(cbasn1.SEQUENCE, func(o *cryptobyte.Builder) { b.body(o, value) })
		})
	})
	return append(out.BytesOrPanic(), b.behind...)
}

func (b *bench) body(o *cryptobyte.Builder, value []byte) {
	o.AddASN1Int64(b.version)
	addSetOf(o, cbasn1.SET, b.digestAlgs)
	addEncapsulated(o, b.eType, b.eContent)
	if b.certs != nil {
		addSetOf(o, ctx(0), b.certs)
	}
	o.AddASN1(cbasn1.SET, func(o *cryptobyte.Builder) {
		for range b.signers {
			o.AddASN1(cbasn1.SEQUENCE, func(o *cryptobyte.Builder) {
				o.AddASN1Int64(1)
				o.AddBytes(b.sid)
				o.AddBytes(b.digestAlg)
				if b.attrs != nil || b.emptyAttrs {
					o.AddASN1(ctx(0), func(o *cryptobyte.Builder) { o.AddBytes(bytes.Join(b.attrs, nil)) })
				}
				o.AddBytes(b.sigAlg)
				o.AddASN1OctetString(value)
				o.AddBytes(b.unsigned)
			})
		}
	})
}

// without drops the attributes of a type.
func (b *bench) without(oid asn1.ObjectIdentifier) {
	want := must(oidValue(oid))(b.t)
	b.attrs = slices.DeleteFunc(b.attrs, func(a []byte) bool {
		return bytes.Contains(a[:min(len(a), len(want)+6)], want)
	})
}

func (b *bench) swap(oid asn1.ObjectIdentifier, with ...[]byte) {
	b.without(oid)
	b.attrs = append(b.attrs, with...)
}

// verify parses and verifies.
func (b *bench) verify(der []byte, l Limits, o VerifyOptions) (*Result, error) {
	sd, err := Parse(der, l)
	if err != nil {
		return nil, err
	}
	return sd.Verify(b.sum(b.content), o)
}

// TestEachMutantFailsExactlyOneCheck spoils one thing a row and signs again, so
// that no other check can be what stops it.
func TestEachMutantFailsExactlyOneCheck(t *testing.T) {
	t.Parallel()
	pssAlg := func(b *bench, salt int64, trailer int64, hash, mgf asn1.ObjectIdentifier) []byte {
		var o cryptobyte.Builder
		o.AddASN1(cbasn1.SEQUENCE, func(o *cryptobyte.Builder) {
			o.AddASN1ObjectIdentifier(oidPSS)
			o.AddASN1(cbasn1.SEQUENCE, func(o *cryptobyte.Builder) {
				o.AddASN1(ctx(0), func(o *cryptobyte.Builder) { addAlgorithm(o, hash, true) })
				o.AddASN1(ctx(1), func(o *cryptobyte.Builder) {
					o.AddASN1(cbasn1.SEQUENCE, func(o *cryptobyte.Builder) {
						o.AddASN1ObjectIdentifier(oidMGF1)
						addAlgorithm(o, mgf, true)
					})
				})
				o.AddASN1(ctx(2), func(o *cryptobyte.Builder) { o.AddASN1Int64(salt) })
				if trailer != 1 {
					o.AddASN1(ctx(3), func(o *cryptobyte.Builder) { o.AddASN1Int64(trailer) })
				}
			})
		})
		return o.BytesOrPanic()
	}
	usePSS := func(b *bench, salt int64, trailer int64, hash, mgf asn1.ObjectIdentifier) {
		n := newBenchKey(b.t, must(rsaKey())(b.t), pssAlg(b, salt, trailer, hash, mgf),
			&rsa.PSSOptions{SaltLength: 32, Hash: crypto.SHA256})
		*b = *n
	}
	for name, tc := range map[string]struct {
		change func(*bench)
		want   Code
	}{
		"nothing":         {func(*bench) {}, ""},
		"trailing byte":   {func(b *bench) { b.behind = []byte{0} }, ErrTrailingData},
		"other content":   {func(b *bench) { b.outerOID = OIDData }, ErrNotSignedData},
		"version 0":       {func(b *bench) { b.version = 0 }, ErrMalformed},
		"no signer":       {func(b *bench) { b.signers = 0 }, ErrSignerCount},
		"two signers":     {func(b *bench) { b.signers = 2 }, ErrSignerCount},
		"eContent inside": {func(b *bench) { b.eContent = b.content }, ErrContent},
		"eContentType":    {func(b *bench) { b.eType = OIDSignedData; b.swap(OIDContentType, b.typeAttr(OIDSignedData)) }, ErrContentType},
		"content-type differs": {func(b *bench) { b.swap(OIDContentType, b.typeAttr(OIDSignedData)) },
			ErrContentType},
		"content-type absent":   {func(b *bench) { b.without(OIDContentType) }, ErrContentType},
		"content-type twice":    {func(b *bench) { b.attrs = append(b.attrs, b.typeAttr(OIDData)) }, ErrContentType},
		"message-digest absent": {func(b *bench) { b.without(OIDMessageDigest) }, ErrMessageDigest},
		"message-digest twice":  {func(b *bench) { b.attrs = append(b.attrs, b.digestAttr(b.content)) }, ErrMessageDigest},
		"message-digest, 2 values": {func(b *bench) {
			d := octetString(b.sum(b.content))
			b.swap(OIDMessageDigest, attr(OIDMessageDigest, d, d))
		}, ErrMessageDigest},
		"message-digest of other content": {func(b *bench) { b.swap(OIDMessageDigest, b.digestAttr([]byte("khác"))) }, ErrDigestMismatch},
		"message-digest cut": {func(b *bench) {
			b.swap(OIDMessageDigest, attr(OIDMessageDigest, octetString(b.sum(b.content)[:20])))
		}, ErrDigestMismatch},
		"no signed attributes":               {func(b *bench) { b.attrs = nil }, ErrNoSignedAttrs},
		"empty signed attributes":            {func(b *bench) { b.attrs, b.emptyAttrs = nil, true }, ErrMalformed},
		"ESS absent":                         {func(b *bench) { b.without(OIDSigningCertificateV2) }, ErrNoSigningCert},
		"ESS of another":                     {func(b *bench) { b.swap(OIDSigningCertificateV2, b.essAttr(b.other)) }, ErrSigningCert},
		"ESS twice":                          {func(b *bench) { b.attrs = append(b.attrs, b.essAttr(b.cert)) }, ErrAttribute},
		"ESS garbage":                        {func(b *bench) { b.swap(OIDSigningCertificateV2, attr(OIDSigningCertificateV2, []byte{0x30, 0})) }, ErrAttribute},
		"ESS v1 of another beside a good v2": {func(b *bench) { b.attrs = append(b.attrs, essV1(b.other)) }, ErrSigningCert},
		"ESS with another's serial": {func(b *bench) {
			c := *b.cert
			c.SerialNumber = b.other.SerialNumber.SetBit(b.other.SerialNumber, 3, 1)
			b.swap(OIDSigningCertificateV2, b.essAttr(&c))
		}, ErrSigningCert},
		"certificate absent":             {func(b *bench) { b.certs = nil }, ErrNoCertificate},
		"only another certificate":       {func(b *bench) { b.certs = [][]byte{b.other.Raw} }, ErrNoCertificate},
		"sid of another":                 {func(b *bench) { b.sid = sidOf(b.other); b.certs = append(b.certs, b.other.Raw) }, ErrSigningCert},
		"digest algorithm not announced": {func(b *bench) { b.digestAlgs = [][]byte{alg(oidSHA512, false)} }, ErrAlgorithmMix},
		"unknown digest algorithm": {func(b *bench) {
			b.digestAlg = alg(asn1.ObjectIdentifier{1, 2, 3}, false)
			b.digestAlgs = [][]byte{b.digestAlg}
		}, ErrAlgorithm},
		"SHA-1": {func(b *bench) {
			b.hash, b.opts, b.digestAlg, b.sigAlg = crypto.SHA1, crypto.SHA1, alg(oidSHA1, true), alg(oidECDSAWithSHA1, false)
			b.digestAlgs = [][]byte{b.digestAlg}
			b.swap(OIDMessageDigest, b.digestAttr(b.content))
		}, ErrWeakHash},
		"signature algorithm with another hash": {func(b *bench) { b.sigAlg = alg(oidECDSAWithSHA384, false) }, ErrAlgorithmMix},
		"unknown signature algorithm":           {func(b *bench) { b.sigAlg = alg(asn1.ObjectIdentifier{1, 2, 3}, false) }, ErrAlgorithm},
		"RSA algorithm with an EC key":          {func(b *bench) { b.sigAlg = alg(oidRSA, true) }, ErrAlgorithmMix},
		"RSA parameters not NULL": {func(b *bench) {
			*b = *newBenchKey(b.t, must(rsaKey())(b.t), alg(oidRSA, true), crypto.SHA256)
			b.sigAlg = []byte{0x30, 0x0D, 6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1, 4, 0}
		}, ErrAlgorithm},
		"ECDSA with an RSA key": {func(b *bench) {
			*b = *newBenchKey(b.t, must(rsaKey())(b.t), alg(oidECDSAWithSHA256, false), crypto.SHA256)
		}, ErrAlgorithmMix},
		"RSA of 1024 bits": {func(b *bench) {
			*b = *newBenchKey(b.t, must(rsa.GenerateKey(rand.Reader, 1024))(b.t), alg(oidRSA, true), crypto.SHA256)
		}, ErrWeakKey},
		"P-224": {func(b *bench) {
			*b = *newBenchKey(b.t, must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))(b.t), alg(oidECDSAWithSHA256, false), crypto.SHA256)
		}, ErrWeakKey},
		"PSS, good":           {func(b *bench) { usePSS(b, 32, 1, oidSHA256, oidSHA256) }, ""},
		"PSS, salt differs":   {func(b *bench) { usePSS(b, 20, 1, oidSHA256, oidSHA256) }, ErrSignature},
		"PSS, trailer 2":      {func(b *bench) { usePSS(b, 32, 2, oidSHA256, oidSHA256) }, ErrPSSParameters},
		"PSS, salt too long":  {func(b *bench) { usePSS(b, 5000, 1, oidSHA256, oidSHA256) }, ErrPSSParameters},
		"PSS, hash differs":   {func(b *bench) { usePSS(b, 32, 1, oidSHA384, oidSHA256) }, ErrAlgorithmMix},
		"PSS, MGF differs":    {func(b *bench) { usePSS(b, 32, 1, oidSHA256, oidSHA384) }, ErrAlgorithmMix},
		"PSS, no parameters":  {func(b *bench) { usePSS(b, 32, 1, oidSHA256, oidSHA256); b.sigAlg = alg(oidPSS, false) }, ErrPSSParameters},
		"signature bit":       {func(b *bench) { b.spoilValue = func(v []byte) []byte { v[len(v)-1] ^= 1; return v } }, ErrSignature},
		"signature empty":     {func(b *bench) { b.spoilValue = func([]byte) []byte { return nil } }, ErrMalformed},
		"signature r = s = 0": {func(b *bench) { b.spoilValue = func([]byte) []byte { return []byte{0x30, 6, 2, 1, 0, 2, 1, 0} } }, ErrSignature},
		"signature padded":    {func(b *bench) { b.spoilValue = func(v []byte) []byte { return append(v, 0) } }, ErrSignature},
		"signed over content": {func(b *bench) { b.signContent = true }, ErrSignature},
		"attribute added later": {func(b *bench) {
			b.spoilAttrs = func([][]byte) { b.attrs = append(b.attrs, attr(OIDCommitmentType, []byte{0x30, 0})) }
		}, ErrSignature},
		"algorithm protection says otherwise": {func(b *bench) {
			b.attrs = append(b.attrs, attr(OIDAlgorithmProtection, protection(oidSHA256, oidECDSAWithSHA512)))
		}, ErrAlgorithmAttr},
		"algorithm protection names another digest": {func(b *bench) {
			b.attrs = append(b.attrs, attr(OIDAlgorithmProtection, protection(oidSHA512, oidECDSAWithSHA256)))
		}, ErrAlgorithmAttr},
		"algorithm protection agrees": {func(b *bench) {
			b.attrs = append(b.attrs, attr(OIDAlgorithmProtection, protection(oidSHA256, oidECDSAWithSHA256)))
		}, ""},
		"unsigned attributes empty":  {func(b *bench) { b.unsigned = []byte{0xA1, 0} }, ErrMalformed},
		"unsigned attribute garbage": {func(b *bench) { b.unsigned = []byte{0xA1, 2, 0x30, 0} }, ErrMalformed},
		"unsigned attributes twice": {func(b *bench) {
			b.unsigned = bytes.Repeat(append([]byte{0xA1, 15}, attr(OIDCommitmentType, nil)...), 2)
		}, ErrMalformed},
		"signing-time unreadable": {func(b *bench) { b.attrs = append(b.attrs, attr(OIDSigningTime, []byte{4, 0})) }, ErrAttribute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			tc.change(b)
			der := b.der()
			_, err := b.verify(der, Limits{}, VerifyOptions{})
			if CodeOf(err) != tc.want || (tc.want != "" && !errors.Is(err, tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// essV1 is SigningCertificate (RFC 2634): the SHA-1 of the certificate.
func essV1(cert *x509.Certificate) []byte {
	sum := sha1.Sum(cert.Raw)
	id := prependHeader(0x30, octetString(sum[:]))
	return attr(OIDSigningCertificate, prependHeader(0x30, prependHeader(0x30, id)))
}

func protection(digest, sig asn1.ObjectIdentifier) []byte {
	implicit := alg(sig, false)
	implicit[0] = 0xA1
	return prependHeader(0x30, append(alg(digest, false), implicit...))
}

func TestOldSignaturesAreTakenOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	v1 := newBench(t)
	v1.swap(OIDSigningCertificateV2, essV1(v1.cert))
	if r, err := v1.verify(v1.der(), Limits{}, VerifyOptions{}); err != nil || r.ESSVersion != 1 {
		t.Errorf("ESS version 1: %+v, %v", r, err)
	}
	none := newBench(t)
	none.without(OIDSigningCertificateV2)
	if r, err := none.verify(none.der(), Limits{}, VerifyOptions{AllowNoSigningCertificate: true}); err != nil || r.ESSVersion != 0 {
		t.Errorf("no ESS: %v", err)
	}
	bare := newBench(t)
	bare.attrs = nil
	if _, err := bare.verify(bare.der(), Limits{}, VerifyOptions{AllowNoSignedAttrs: true, AllowNoSigningCertificate: true}); err != nil {
		t.Errorf("no signed attributes: %v", err)
	}
	weak := newBenchKey(t, must(rsa.GenerateKey(rand.Reader, 1024))(t), alg(oidRSAWithSHA1, true), crypto.SHA1)
	weak.hash, weak.digestAlg = crypto.SHA1, alg(oidSHA1, true)
	weak.digestAlgs = [][]byte{weak.digestAlg}
	weak.swap(OIDMessageDigest, weak.digestAttr(weak.content))
	r, err := weak.verify(weak.der(), Limits{}, VerifyOptions{AllowWeak: true})
	if err != nil || !slices.Equal(r.Weaknesses, []Code{ErrWeakHash, ErrWeakKey}) {
		t.Errorf("weak: %+v, %v", r, err)
	}
	timed := newBench(t)
	at := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	timed.attrs = append(timed.attrs, attr(OIDSigningTime, must(asn1.Marshal(at))(t)))
	if r, err := timed.verify(timed.der(), Limits{}, VerifyOptions{}); err != nil || !r.SigningTime.Equal(at) {
		t.Errorf("signing-time: %+v, %v", r, err)
	}
}

// TestSignerNamedByKeyIdentifier covers the other SignerIdentifier, with SPKI
// hash names and a decoy certificate of the same key identifier.
func TestSignerNamedByKeyIdentifier(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	decoy, _ := newCert(t, b.key.Public()) // same key, so the same identifier
	b.certs = append([][]byte{decoy.Raw}, b.certs...)
	b.sid = append([]byte{0x80, byte(len(b.cert.SubjectKeyId))}, b.cert.SubjectKeyId...)
	r, err := b.verify(b.der(), Limits{}, VerifyOptions{})
	if err != nil || !r.Certificate.Equal(b.cert) {
		t.Errorf("%v", err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	der := b.der()
	deep := []byte{0x04, 0x00}
	for range 60 {
		deep = prependHeader(0x30, deep)
	}
	deepBench := newBench(t)
	deepBench.unsigned = prependHeader(0xA1, attr(OIDCommitmentType, deep))
	many := newBench(t)
	for range 101 {
		many.certs = append(many.certs, []byte{0x30, 0})
	}
	lots := newBench(t)
	for range 65 {
		lots.unsigned = append(lots.unsigned, attr(OIDCommitmentType, []byte{5, 0})...)
	}
	lots.unsigned = prependHeader(0xA1, lots.unsigned)
	for name, tc := range map[string]struct {
		der    []byte
		limits Limits
		want   Code
	}{
		"bytes":        {der, Limits{Bytes: len(der) - 1}, ErrTooLarge},
		"enough bytes": {der, Limits{Bytes: len(der)}, ""},
		"depth":        {deepBench.der(), Limits{}, ErrTooDeep},
		"more depth":   {deepBench.der(), Limits{Depth: 80}, ""},
		"certificates": {many.der(), Limits{}, ErrTooManyCerts},
		"attributes":   {lots.der(), Limits{}, ErrTooLarge},
	} {
		if _, err := Parse(tc.der, tc.limits); CodeOf(err) != tc.want {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
	for _, stub := range [][]byte{nil, {0x30}, {0x30, 0x81}, {0x30, 0x84, 0x01}, {0x30, 0x00}, {0x30, 0x80}, {0x30, 0x80, 0, 0}, {0x1F, 0x81, 0}} {
		for _, ber := range []bool{false, true} {
			if _, err := Parse(stub, Limits{AllowBER: ber}); CodeOf(err) != ErrMalformed {
				t.Errorf("%x: %v", stub, err)
			}
		}
	}
}

// toBER rewrites every constructed element with an indefinite length, and every
// OCTET STRING outside certificates as two pieces.
func toBER(t *testing.T, der []byte) []byte {
	t.Helper()
	h := must(readHeader(der))(t)
	body := der[h.size : h.size+h.length]
	if h.tag == tagOctetString && len(body) > 1 {
		out := append([]byte{tagConstructedOctetString, 0x80}, octetString(body[:1])...)
		return append(append(out, octetString(body[1:])...), 0, 0)
	}
	if !h.constructed() {
		return der[:h.size+h.length]
	}
	out := []byte{h.tag, 0x80}
	for len(body) > 0 {
		element, rest, err := Split(body)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, toBER(t, element)...)
		body = rest
	}
	return append(out, 0, 0)
}

func TestBERIsTakenOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	der := b.der()
	ber := toBER(t, der)
	if _, err := Parse(ber, Limits{}); CodeOf(err) != ErrMalformed {
		t.Errorf("strict: %v", err)
	}
	sd := must(Parse(ber, Limits{AllowBER: true}))(t)
	if !bytes.Equal(sd.Raw, der) {
		t.Error("BER did not come back as the DER it was made of")
	}
	if _, err := sd.Verify(b.sum(b.content), VerifyOptions{}); err != nil {
		t.Error(err)
	}
	long := newBench(t) // a length in two bytes where one would do, in a place nobody looks into
	long.unsigned = prependHeader(0xA1, attr(OIDCommitmentType, []byte{0x30, 0x81, 0x02, 0x05, 0x00}))
	if _, err := Parse(long.der(), Limits{}); CodeOf(err) != ErrMalformed {
		t.Errorf("long form of a length: %v", err)
	}
	if _, err := Parse(long.der(), Limits{AllowBER: true}); err != nil {
		t.Errorf("long form of a length, where allowed: %v", err)
	}
	if same := must(toDER(der, 48))(t); !bytes.Equal(same, der) {
		t.Error("DER changed by the conversion")
	}
	nested := bytes.Repeat([]byte{0x30, 0x80}, 1_000_000)
	if _, err := Parse(nested, Limits{AllowBER: true}); CodeOf(err) != ErrTooDeep {
		t.Errorf("a million open elements: %v", err)
	}
}

func TestSplitLeavesThePadding(t *testing.T) {
	t.Parallel()
	der := newBench(t).der()
	element, rest, err := Split(append(slices.Clone(der), 0, 0, 0))
	if err != nil || !bytes.Equal(element, der) || !bytes.Equal(rest, []byte{0, 0, 0}) {
		t.Errorf("%d and %d bytes, %v", len(element), len(rest), err)
	}
	sum := sha256.Sum256(der)
	if _, _, err := Split(append([]byte{0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF}, sum[:]...)); err == nil {
		t.Error("a length beyond the input was taken")
	}
}
