package path

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"net/url"
	"testing"
)

// subtrees builds a critical NameConstraints extension with raw base names:
// n 0 permits, 1 excludes.
func subtrees(t testing.TB, n int, bases ...asn1.RawValue) pkix.Extension {
	t.Helper()
	var trees []byte
	for _, b := range bases {
		trees = append(trees, must(asn1.Marshal([]asn1.RawValue{b}))(t)...)
	}
	field := asn1.RawValue{Class: 2, Tag: n, IsCompound: true, Bytes: trees}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 30}, Critical: true, Value: must(asn1.Marshal([]asn1.RawValue{field}))(t)}
}

func text(tag int, s string) asn1.RawValue {
	return asn1.RawValue{Class: 2, Tag: tag, Bytes: []byte(s)}
}

func directory(t testing.TB, n pkix.Name) asn1.RawValue {
	t.Helper()
	return asn1.RawValue{Class: 2, Tag: nameDir, IsCompound: true, Bytes: must(asn1.Marshal(n.ToRDNSequence()))(t)}
}

func TestNameConstraints(t *testing.T) {
	t.Parallel()
	const permitted, excluded = 0, 1
	vn := pkix.Name{Country: []string{"VN"}}
	mail := func(s string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.EmailAddresses = []string{s} }
	}
	dns := func(s string) func(*x509.Certificate) { return func(c *x509.Certificate) { c.DNSNames = []string{s} } }
	uri := func(s string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.URIs = []*url.URL{must(url.Parse(s))(t)} }
	}
	ip := func(s string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.ParseIP(s)} }
	}
	net10 := asn1.RawValue{Class: 2, Tag: nameIP, Bytes: []byte{10, 0, 0, 0, 255, 0, 0, 0}}
	for name, tc := range map[string]struct {
		constraint pkix.Extension
		end        func(*x509.Certificate)
		good       bool
	}{
		"directory inside":         {subtrees(t, permitted, directory(t, vn)), nil, true},
		"directory outside":        {subtrees(t, permitted, directory(t, pkix.Name{Country: []string{"LA"}})), nil, false},
		"directory excluded":       {subtrees(t, excluded, directory(t, vn)), nil, false},
		"directory, case ignored":  {subtrees(t, permitted, directory(t, pkix.Name{Country: []string{"vn"}})), nil, true},
		"mail of the host":         {subtrees(t, permitted, text(nameEmail, "hanoi.gov.vn")), mail("a@hanoi.gov.vn"), true},
		"mail below the host":      {subtrees(t, permitted, text(nameEmail, "hanoi.gov.vn")), mail("a@x.hanoi.gov.vn"), false},
		"mail of the domain":       {subtrees(t, permitted, text(nameEmail, ".gov.vn")), mail("a@hanoi.gov.vn"), true},
		"mail elsewhere":           {subtrees(t, permitted, text(nameEmail, ".gov.vn")), mail("a@gov.vn.example.com"), false},
		"one mailbox":              {subtrees(t, permitted, text(nameEmail, "a@gov.vn")), mail("b@gov.vn"), false},
		"mail where none is bound": {subtrees(t, permitted, text(nameDNS, "gov.vn")), mail("a@example.com"), true},
		"host below":               {subtrees(t, permitted, text(nameDNS, "gov.vn")), dns("ky.hanoi.gov.vn"), true},
		"host looks alike":         {subtrees(t, permitted, text(nameDNS, "gov.vn")), dns("xgov.vn"), false},
		"host excluded":            {subtrees(t, excluded, text(nameDNS, "gov.vn")), dns("GOV.vn"), false},
		"address inside":           {subtrees(t, permitted, net10), ip("10.1.2.3"), true},
		"address outside":          {subtrees(t, permitted, net10), ip("11.1.2.3"), false},
		"IPv6 where IPv4 is bound": {subtrees(t, permitted, net10), ip("2001:db8::1"), false},
		"URI inside":               {subtrees(t, permitted, text(nameURI, ".gov.vn")), uri("https://a.gov.vn/x"), true},
		"URI outside":              {subtrees(t, permitted, text(nameURI, ".gov.vn")), uri("https://gov.vn.evil.example/x"), false},
		"URI of an address":        {subtrees(t, excluded, text(nameURI, ".gov.vn")), uri("https://10.0.0.1/x"), false},
		"other kinds stay free":    {subtrees(t, permitted, text(0, "x")), nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, spoil{ica: func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{tc.constraint} }, end: tc.end})
			_, err := Validate(context.Background(), w.end.cert, w.options())
			if tc.good && err != nil || !tc.good && CodeOf(err) != ErrNameConstraints {
				t.Errorf("got %v, want good %v", err, tc.good)
			}
		})
	}
}
