package cms

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"testing"
)

// stubs are the inputs that have crashed readers of PKCS#7 before.
func stubs(f *testing.F) {
	for _, s := range []string{"", "30", "3081", "308401", "3000", "3080", "30800000", "300b06092a864886f70d010702", "24800401610000"} {
		der, err := hex.DecodeString(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
}

// FuzzParse: what parses can be given an unsigned attribute, and comes back
// with it, with everything else the same.
func FuzzParse(f *testing.F) {
	stubs(f)
	for _, c := range signerCases(f)[:1] {
		_, der := c.sign(f, []byte("x"), nil)
		f.Add(der)
		f.Add(must(WithTimestamp(der, []byte{0x30, 0}))(f))
	}
	digest := make([]byte, 32)
	f.Fuzz(func(t *testing.T, der []byte) {
		sd, err := Parse(der, Limits{Bytes: 1 << 16})
		if err != nil {
			return
		}
		_, _ = sd.Verify(digest, VerifyOptions{AllowWeak: true, AllowNoSignedAttrs: true, AllowNoSigningCertificate: true})
		_, _ = sd.VerifyContent(VerifyOptions{ContentType: sd.ContentType, AllowWeak: true})
		token := []byte{0x30, 0x03, 0x02, 0x01, 0x05}
		stamped, err := WithTimestamp(der, token)
		if err != nil {
			t.Fatalf("parsed, but takes no time-stamp: %v", err)
		}
		again, err := Parse(stamped, Limits{})
		if err != nil {
			if CodeOf(err) == ErrTooLarge {
				return // it had as many attributes as may be
			}
			t.Fatal(err)
		}
		if !bytes.Equal(again.Signer.SignedAttrsDER, sd.Signer.SignedAttrsDER) || !bytes.Equal(again.Signer.Signature, sd.Signer.Signature) ||
			!bytes.Equal(again.Content, sd.Content) || len(again.RawCertificates) != len(sd.RawCertificates) ||
			len(again.Unsigned(OIDSignatureTimeStamp)) != len(sd.Unsigned(OIDSignatureTimeStamp))+1 {
			t.Error("something else changed")
		}
	})
}

// FuzzToDER: what the conversion gives is DER, and converting it again changes
// nothing.
func FuzzToDER(f *testing.F) {
	stubs(f)
	f.Fuzz(func(t *testing.T, ber []byte) {
		der, err := toDER(ber, 48)
		if err != nil {
			return
		}
		if err := checkDER(der, 48); err != nil {
			t.Fatalf("%x became %x: %v", ber, der, err)
		}
		if again := must(toDER(der, 48))(t); !bytes.Equal(again, der) {
			t.Errorf("%x became %x", der, again)
		}
	})
}

// FuzzDraftJSON: a draft that is read is written again as one that reads the same.
func FuzzDraftJSON(f *testing.F) {
	c := signerCases(f)[0]
	d, _ := c.sign(f, []byte("x"), nil)
	f.Add(must(json.Marshal(d))(f))
	f.Add([]byte(`{"v":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d, again Draft
		if json.Unmarshal(data, &d) != nil {
			return
		}
		if err := json.Unmarshal(must(json.Marshal(&d))(t), &again); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(d.SignedAttrs(), again.SignedAttrs()) || !d.Certificate().Equal(again.Certificate()) {
			t.Error("a draft changed on the way")
		}
	})
}
