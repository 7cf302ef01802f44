package tsa

import (
	"context"
	"crypto"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/pki/cms"
)

// TestTokenIsJudgedByWhatItSays signs TSTInfos that our server would not make.
func TestTokenIsJudgedByWhatItSays(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, newP256(t), nil)
	s := a.server(t)
	good := Info{Policy: testPolicy, Hash: crypto.SHA256, Digest: stampedDigest[:], Serial: big.NewInt(3), GenTime: time.Now()}
	extension := func(critical bool) func([]byte) []byte {
		ext := []byte{0x30, 6, 6, 2, 0x2A, 3, 4, 0}
		if critical {
			ext = []byte{0x30, 9, 6, 2, 0x2A, 3, 1, 1, 0xFF, 4, 0}
		}
		return func(info []byte) []byte {
			info[1] += byte(len(ext)) + 2 // the length is below 128
			return append(append(info, 0xA1, byte(len(ext))), ext...)
		}
	}
	for name, tc := range map[string]struct {
		change func(*Info)
		bend   func([]byte) []byte
		o      VerifyOptions
		want   Code
	}{
		"good":                   {},
		"before the certificate": {change: func(i *Info) { i.GenTime = a.opts.Certificate.NotBefore.Add(-time.Second) }, want: ErrGenTime},
		"after the certificate":  {change: func(i *Info) { i.GenTime = a.opts.Certificate.NotAfter.Add(time.Second) }, want: ErrGenTime},
		"imprint by SHA-1":       {change: func(i *Info) { i.Hash, i.Digest = crypto.SHA1, i.Digest[:20] }, want: ErrImprint},
		"SHA-1 where weak is allowed": {change: func(i *Info) { i.Hash, i.Digest = crypto.SHA1, i.Digest[:20] },
			o: VerifyOptions{AllowWeak: true}},
		"other policy wanted":            {o: VerifyOptions{Policy: OIDTSTInfo}, want: ErrPolicy},
		"critical extension":             {bend: extension(true), want: ErrExtension},
		"uncritical extension":           {bend: extension(false)},
		"trailing data":                  {bend: func(b []byte) []byte { return append(b, 0) }, want: ErrMalformed},
		"genTime with an empty fraction": {bend: genTime("20260105080000.Z"), want: ErrMalformed},
		"genTime with a zero at the end": {bend: genTime("20260105080000.10Z"), want: ErrMalformed},
		"genTime with a comma":           {bend: genTime("20260105080000,1Z"), want: ErrMalformed},
		"genTime with an offset":         {bend: genTime("20260105080000+0700"), want: ErrMalformed},
		"genTime without seconds":        {bend: genTime("202601050800Z"), want: ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			info := good
			if tc.change != nil {
				tc.change(&info)
			}
			content := must(marshalInfo(&info))(t)
			if tc.bend != nil {
				content = tc.bend(content)
			}
			d := must(s.with.DraftContent(content))(t)
			value := must(crypto.SignMessage(a.opts.Signer, nil, d.SignedAttrs(), d.SignerOpts()))(t)
			tok, err := ParseToken(must(d.Assemble(value))(t), cms.Limits{})
			var v *Verified
			if err == nil {
				v, err = tok.Verify(info.Digest, tc.o)
			}
			if CodeOf(err) != tc.want || (tc.want != "" && !errors.Is(err, tc.want)) {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			if tc.o.AllowWeak && !slices.Contains(v.Weaknesses, cms.ErrWeakHash) {
				t.Error("the weakness is not reported")
			}
		})
	}
}

// genTime replaces the 15 bytes of genTime, mending the lengths.
func genTime(text string) func([]byte) []byte {
	return func(info []byte) []byte {
		at := slices.Index(info, 0x18)
		for info[at+1] != 15 { // tag GeneralizedTime, length 15
			at += 1 + slices.Index(info[at+1:], 0x18)
		}
		info[1] += byte(len(text) - 15)
		return slices.Concat(info[:at+1], []byte{byte(len(text))}, []byte(text), info[at+2+15:])
	}
}

func TestTokenOfSomethingElseIsNoToken(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, newP256(t), nil)
	token := must(a.server(t).Timestamp(context.Background(), crypto.SHA256, stampedDigest[:]))(t)
	if _, err := ParseToken(append(token, 0), cms.Limits{}); !errors.Is(err, cms.ErrTrailingData) || CodeOf(err) != ErrMalformed {
		t.Errorf("trailing data: %v", err)
	}
	d := must(cms.Prepare(cms.Options{Certificate: a.opts.Certificate}, stampedDigest[:]))(t)
	value := must(crypto.SignMessage(a.opts.Signer, nil, d.SignedAttrs(), d.SignerOpts()))(t)
	if _, err := ParseToken(must(d.Assemble(value))(t), cms.Limits{}); CodeOf(err) != ErrMalformed {
		t.Errorf("a signature over data: %v", err)
	}
}
