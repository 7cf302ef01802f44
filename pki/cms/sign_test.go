package cms

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"slices"
	"testing"
)

func TestOpenSSLAcceptsWhatWeSign(t *testing.T) {
	t.Parallel()
	content := []byte("Hà Nội, ngày 05 tháng 01 năm 2026\n")
	for _, c := range signerCases(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			_, der := c.sign(t, content, nil)
			write(t, dir, "sig.der", der)
			write(t, dir, "content", content)
			write(t, dir, "root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.root.Raw}))
			out := openssl(t, dir, "cms", "-verify", "-inform", "DER", "-in", "sig.der", "-content", "content",
				"-binary", "-CAfile", "root.pem", "-purpose", "any", "-cades", "-out", "verified")
			if !bytes.Contains([]byte(out), []byte("CAdES Verification successful")) {
				t.Errorf("openssl said %q", out)
			}
		})
	}
}

func TestVerifyAcceptsWhatWeSign(t *testing.T) {
	t.Parallel()
	for _, c := range signerCases(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, der := c.sign(t, []byte("nội dung"), nil)
			if err := d.CheckSignature(must(Parse(der, Limits{}))(t).Signer.Signature); err != nil {
				t.Error(err)
			}
			sd := must(Parse(der, Limits{}))(t)
			r := must(sd.Verify(d.MessageDigest(), VerifyOptions{}))(t)
			if !r.Certificate.Equal(c.cert) || r.ESSVersion != 2 || !r.SigningTime.IsZero() || r.Hash != d.Hash() || r.Scheme != d.Scheme() {
				t.Errorf("result %+v", r)
			}
			if len(sd.Certificates) != 2 {
				t.Errorf("%d certificates inside, want 2", len(sd.Certificates))
			}
		})
	}
}

// TestSetsAreSorted holds the DER order of signed attributes and certificates.
func TestSetsAreSorted(t *testing.T) {
	t.Parallel()
	for _, c := range signerCases(t) {
		_, der := c.sign(t, []byte("x"), func(o *Options) {
			o.ExtraSigned = []Attribute{{Type: OIDCommitmentType, Values: [][]byte{{0x30, 0x00}}}}
		})
		sd := must(Parse(der, Limits{}))(t)
		var attrs [][]byte
		for _, a := range sd.Signer.SignedAttrs {
			attrs = append(attrs, must(a.Marshal())(t))
		}
		if len(attrs) != 4 || !slices.IsSortedFunc(attrs, bytes.Compare) || !slices.IsSortedFunc(sd.RawCertificates, bytes.Compare) {
			t.Errorf("%s: %d attributes, or not in the order of DER", c.name, len(attrs))
		}
	}
}

func TestDraftSurvivesJSON(t *testing.T) {
	t.Parallel()
	for _, c := range signerCases(t) {
		d, _ := c.sign(t, []byte("x"), nil)
		stored := must(json.Marshal(d))(t)
		var back Draft
		if err := json.Unmarshal(stored, &back); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if !bytes.Equal(back.SignedAttrs(), d.SignedAttrs()) || !bytes.Equal(back.Digest(), d.Digest()) {
			t.Fatalf("%s: attributes changed", c.name)
		}
		sig := c.value(t, d)
		if !bytes.Equal(must(back.Assemble(sig))(t), must(d.Assemble(sig))(t)) {
			t.Errorf("%s: assembled bytes differ after JSON", c.name)
		}
		if again := must(json.Marshal(&back))(t); !bytes.Equal(again, stored) {
			t.Errorf("%s: JSON differs after a round trip", c.name)
		}
	}
}

func TestStoredDraftThatWasTamperedWithIsRefused(t *testing.T) {
	t.Parallel()
	cases := signerCases(t)
	d, _ := cases[0].sign(t, []byte("x"), nil)
	other := cases[1].cert
	for name, tc := range map[string]struct {
		change func(*storedDraft)
		want   Code
	}{
		"other certificate": {func(s *storedDraft) { s.Certificates = [][]byte{other.Raw} }, ErrSigningCert},
		"other scheme":      {func(s *storedDraft) { s.Scheme = PSS }, ErrInvalidArgument},
		"other hash":        {func(s *storedDraft) { s.Hash = "SHA-384" }, ErrMalformed},
		"weak hash":         {func(s *storedDraft) { s.Hash = "SHA-1" }, ErrMalformed},
		"no certificate":    {func(s *storedDraft) { s.Certificates = nil }, ErrMalformed},
		"attributes cut":    {func(s *storedDraft) { s.Attributes = s.Attributes[:9] }, ErrMalformed},
		"other content":     {func(s *storedDraft) { s.Content = []byte("y") }, ErrDigestMismatch},
		"future version":    {func(s *storedDraft) { s.Version = 2 }, ErrMalformed},
	} {
		var s storedDraft
		if err := json.Unmarshal(must(json.Marshal(d))(t), &s); err != nil {
			t.Fatal(err)
		}
		tc.change(&s)
		var back Draft
		if err := json.Unmarshal(must(json.Marshal(s))(t), &back); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %s", name, err, tc.want)
		}
	}
}

func TestSizeIsAnUpperBoundAndTight(t *testing.T) {
	t.Parallel()
	for _, c := range signerCases(t) {
		d, der := c.sign(t, []byte("x"), nil)
		bound := must(d.Size(0))(t)
		if len(der) > bound || bound-len(der) > 20 {
			t.Errorf("%s: bound %d, real %d", c.name, bound, len(der))
		}
		token := bytes.Repeat([]byte{0x04, 0x00}, 2000)
		token = append([]byte{0x30, 0x82, 0x0F, 0xA0}, token...)
		stamped := must(WithTimestamp(der, token))(t)
		bound = must(d.Size(len(token)))(t)
		if len(stamped) > bound || bound-len(stamped) > 24 {
			t.Errorf("%s: bound with time-stamp %d, real %d", c.name, bound, len(stamped))
		}
	}
}

func TestTimestampIsAddedAndNothingElseChanges(t *testing.T) {
	t.Parallel()
	c := signerCases(t)[0]
	d, der := c.sign(t, []byte("x"), nil)
	sig := must(Parse(der, Limits{}))(t).Signer.Signature
	tokens := [][]byte{{0x30, 0x03, 0x02, 0x01, 0x07}, {0x30, 0x03, 0x02, 0x01, 0x01}, {0x30, 0x03, 0x02, 0x01, 0x09}}
	var attrs []Attribute
	for _, token := range tokens {
		der = must(WithTimestamp(der, token))(t)
		attrs = append(attrs, Attribute{Type: OIDSignatureTimeStamp, Values: [][]byte{token}})
		// The same attributes given to Assemble make the same DER.
		if want := must(d.Assemble(sig, attrs...))(t); !bytes.Equal(der, want) {
			t.Fatalf("with %d tokens: bytes differ from those Assemble makes", len(attrs))
		}
	}
	sd := must(Parse(der, Limits{}))(t)
	if got := sd.Unsigned(OIDSignatureTimeStamp); len(got) != 3 {
		t.Errorf("%d time-stamps inside, want 3", len(got))
	}
	if _, err := sd.Verify(d.MessageDigest(), VerifyOptions{}); err != nil {
		t.Errorf("signature no longer verifies: %v", err)
	}
}

func TestTemplateRefusesWhatIsWeakOrDoesNotFit(t *testing.T) {
	t.Parallel()
	cases := signerCases(t)
	ec, rsaCase := cases[0], cases[3]
	for name, tc := range map[string]struct {
		o    Options
		want Code
	}{
		"no certificate":  {Options{}, ErrInvalidArgument},
		"PSS with EC":     {Options{Certificate: ec.cert, Scheme: PSS}, ErrInvalidArgument},
		"ECDSA with RSA":  {Options{Certificate: rsaCase.cert, Scheme: ECDSA}, ErrInvalidArgument},
		"SHA-1":           {Options{Certificate: ec.cert, Hash: 3}, ErrWeakHash},
		"own digest":      {Options{Certificate: ec.cert, ExtraSigned: []Attribute{{Type: OIDMessageDigest, Values: [][]byte{{4, 0}}}}}, ErrInvalidArgument},
		"own ESS":         {Options{Certificate: ec.cert, ExtraSigned: []Attribute{{Type: OIDSigningCertificateV2, Values: [][]byte{{0x30, 0}}}}}, ErrInvalidArgument},
		"two in a value":  {Options{Certificate: ec.cert, ExtraSigned: []Attribute{{Type: OIDCommitmentType, Values: [][]byte{{5, 0, 5, 0}}}}}, ErrInvalidArgument},
		"attribute empty": {Options{Certificate: ec.cert, ExtraSigned: []Attribute{{Type: OIDCommitmentType}}}, ErrInvalidArgument},
	} {
		if _, err := NewTemplate(tc.o); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %s", name, err, tc.want)
		}
	}
	tmpl := must(NewTemplate(ec.options()))(t)
	if _, err := tmpl.Draft(make([]byte, 20)); !errors.Is(err, ErrInvalidArgument) {
		t.Errorf("short digest: %v", err)
	}
	d := must(tmpl.Draft(make([]byte, 32)))(t)
	if _, err := d.Assemble(make([]byte, 73)); !errors.Is(err, ErrInvalidArgument) {
		t.Errorf("long signature: %v", err)
	}
	short := must(must(NewTemplate(rsaCase.options()))(t).Draft(make([]byte, 48)))(t)
	if _, err := short.Assemble(make([]byte, 255)); !errors.Is(err, ErrInvalidArgument) {
		t.Errorf("short RSA signature: %v", err)
	}
	if err := d.CheckSignature(make([]byte, 70)); !errors.Is(err, ErrSignature) {
		t.Errorf("wrong signature: %v", err)
	}
}

func TestChainDoublesAreDroppedAndCertificatesCanBeOmitted(t *testing.T) {
	t.Parallel()
	c := signerCases(t)[0]
	_, der := c.sign(t, nil, func(o *Options) { o.Chain = []*x509.Certificate{c.root, c.cert, c.root} })
	if n := len(must(Parse(der, Limits{}))(t).RawCertificates); n != 2 {
		t.Errorf("%d certificates, want 2", n)
	}
	d, der := c.sign(t, nil, func(o *Options) { o.OmitCertificates = true })
	sd := must(Parse(der, Limits{}))(t)
	if _, err := sd.Verify(d.MessageDigest(), VerifyOptions{}); !errors.Is(err, ErrNoCertificate) {
		t.Errorf("without certificate: %v", err)
	}
	if _, err := sd.Verify(d.MessageDigest(), VerifyOptions{Certificates: []*x509.Certificate{c.root, c.cert}}); err != nil {
		t.Error(err)
	}
}

func BenchmarkBuildP256(b *testing.B) {
	c := signerCases(b)[0]
	tmpl := must(NewTemplate(c.options()))(b)
	digest := make([]byte, 32)
	d := must(tmpl.Draft(digest))(b)
	sig := c.value(b, d)
	b.ReportAllocs()
	for b.Loop() {
		d, err := tmpl.Draft(digest)
		if err != nil {
			b.Fatal(err)
		}
		_ = d.Digest()
		if _, err := d.Assemble(sig); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseVerifyP256(b *testing.B) {
	c := signerCases(b)[0]
	d, der := c.sign(b, []byte("x"), nil)
	digest := d.MessageDigest()
	b.ReportAllocs()
	for b.Loop() {
		sd, err := Parse(der, Limits{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := sd.Verify(digest, VerifyOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
