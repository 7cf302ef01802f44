package tsa

import (
	"bytes"
	"context"
	"crypto"
	"encoding/hex"
	"math/big"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/pki/cms"
)

// stubs are the inputs that have crashed readers of DER before.
func stubs(f *testing.F) {
	for _, s := range []string{"", "30", "3081", "308401", "3000", "30803000", "30023000", "30050201013000"} {
		der, err := hex.DecodeString(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
}

// FuzzParseRequest: what parses and uses a known hash is written again to
// something that parses to the same request.
func FuzzParseRequest(f *testing.F) {
	stubs(f)
	for _, r := range []Request{
		{Hash: crypto.SHA256, Digest: make([]byte, 32)},
		{Hash: crypto.SHA512, Digest: make([]byte, 64), Policy: testPolicy, Nonce: big.NewInt(-9), CertReq: true},
	} {
		f.Add(must(r.Marshal())(f))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		r, err := ParseRequest(der)
		if err != nil || r.Hash == 0 || len(r.Digest) != r.Hash.Size() {
			return
		}
		again := must(ParseRequest(must(r.Marshal())(t)))(t)
		if again.Hash != r.Hash || !bytes.Equal(again.Digest, r.Digest) || !again.Policy.Equal(r.Policy) ||
			again.CertReq != r.CertReq || !sameNonce(again, &Info{Nonce: r.Nonce}) {
			t.Errorf("%+v became %+v", r, again)
		}
	})
}

// FuzzParseResponse: a parsed response is written again to something that
// parses to the same.
func FuzzParseResponse(f *testing.F) {
	stubs(f)
	s := newAuthority(f, newP256(f), nil).server(f)
	digest := make([]byte, 32)
	granted, _ := s.Respond(context.Background(), must((&Request{Hash: crypto.SHA256, Digest: digest}).Marshal())(f))
	refused, _ := s.Respond(context.Background(), nil)
	f.Add(granted)
	f.Add(refused)
	f.Fuzz(func(t *testing.T, der []byte) {
		r, err := ParseResponse(der)
		if err != nil {
			return
		}
		again := must(ParseResponse(must(r.Marshal())(t)))(t)
		if again.Status != r.Status || again.Text != r.Text || again.Failure != r.Failure || !bytes.Equal(again.Token, r.Token) {
			t.Errorf("%+v became %+v", r, again)
		}
	})
}

// FuzzParseInfo: a TSTInfo that parses, with a known hash and no fraction of a
// second, is written again to something that parses to the same.
func FuzzParseInfo(f *testing.F) {
	stubs(f)
	f.Add(must(marshalInfo(&Info{
		Policy: testPolicy, Hash: crypto.SHA256, Digest: make([]byte, 32), Serial: big.NewInt(5),
		GenTime: time.Unix(1790000000, 0), Accuracy: 1500*time.Millisecond + 3*time.Microsecond, Ordering: true, Nonce: big.NewInt(9),
	}))(f))
	f.Fuzz(func(t *testing.T, der []byte) {
		i, err := parseInfo(der)
		if err != nil || i.Hash == 0 || i.GenTime.Nanosecond() != 0 {
			return
		}
		again := must(parseInfo(must(marshalInfo(i))(t)))(t)
		if !again.GenTime.Equal(i.GenTime) || again.Accuracy != i.Accuracy || again.Serial.Cmp(i.Serial) != 0 ||
			again.Ordering != i.Ordering || !bytes.Equal(again.Digest, i.Digest) || !again.Policy.Equal(i.Policy) {
			t.Errorf("%+v became %+v", i, again)
		}
	})
}

// FuzzParseToken: no input makes the parser or the verifier panic, and nothing
// but the original verifies.
func FuzzParseToken(f *testing.F) {
	stubs(f)
	a := newAuthority(f, newP256(f), nil)
	digest := make([]byte, 32)
	f.Add(must(a.server(f).Timestamp(context.Background(), crypto.SHA256, digest))(f))
	f.Fuzz(func(t *testing.T, der []byte) {
		tok, err := ParseToken(der, cms.Limits{Bytes: 1 << 16, AllowBER: true})
		if err != nil {
			return
		}
		_, _ = tok.Verify(digest, VerifyOptions{AllowWeak: true})
	})
}
