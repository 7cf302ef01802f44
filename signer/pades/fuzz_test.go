package pades_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// FuzzPrepare signs any file twice. What is refused has a code; what is signed begins with the file as it was, holds a
// signature over all the rest, can be signed again, and its first signature still covers what it covered.
func FuzzPrepare(f *testing.F) {
	for _, rows := range []map[string]oddity{structureOddities(), formOddities(), pageOddities()} {
		for _, row := range rows {
			f.Add(row.file, row.o.Field, uint8(row.o.Certify))
		}
	}
	f.Add(taggedFile("/K 21 0 R/ParentTree<</Nums[0[22 0 R]]>>", "21", "<</Type/StructElem/S/Document/P 20 0 R/K[]>>"), "", uint8(0))
	an := newPerson(f, "a", p256(f))
	who, err := pades.NewSigner(cms.Options{Certificate: an.cert, Chain: an.chain})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in []byte, field string, certify uint8) {
		if len(in) > 1<<16 {
			return
		}
		o := pades.Options{Signer: who, Field: field, Create: true, Certify: int(certify % 4), TimestampRoom: -1, Active: pades.ActiveWarn}
		once, ok := fuzzSign(t, in, an.key, o)
		if !ok {
			return
		}
		twice, ok := fuzzSign(t, once, an.key, pades.Options{Signer: who, TimestampRoom: -1, Active: pades.ActiveWarn})
		if !ok && o.Certify != 1 {
			if _, err := pades.Prepare(t.Context(), pades.FromBytes(once), o); signer.CodeOf(err) != signer.CodeFieldSigned && signer.CodeOf(err) != signer.CodeDocMDPForbids {
				t.Fatalf("own output is refused: %v", err)
			}
		}
		if ok && !bytes.HasPrefix(twice, once) {
			t.Fatal("the first signature's file is not a prefix of the second's")
		}
	})
}

// fuzzSign signs and checks the result; false when the file is refused.
func fuzzSign(t *testing.T, in []byte, key crypto.Signer, o pades.Options) ([]byte, bool) {
	t.Helper()
	p, err := pades.Prepare(t.Context(), pades.FromBytes(in), o)
	if err != nil {
		if signer.CodeOf(err) == "" {
			t.Fatalf("refusal without a code: %v", err)
		}
		return nil, false
	}
	value, err := key.Sign(rand.Reader, p.Digest(), p.SignerOpts())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := pades.Finish(t.Context(), p, pades.FromBytes(in), value, nil, &out); err != nil {
		t.Fatal(err)
	}
	b := out.Bytes()
	if !bytes.HasPrefix(b, in) {
		t.Fatal("the input is not a prefix of the output")
	}
	if err := covers(b, p); err != nil {
		t.Fatal(err)
	}
	return b, true
}

// covers reads the signature back and compares what it covers with what was signed.
func covers(b []byte, p *pades.Prepared) error {
	r, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
	if err != nil {
		return err
	}
	sig, err := pdf.DictAt(r.Last(), p.Increment.Signature.Ref)
	if err != nil {
		return err
	}
	ranges, _ := sig.Get("ByteRange").(pdf.Array)
	if len(ranges) != 4 {
		return errors.New("no ByteRange")
	}
	var n [4]int64
	for i := range n {
		v, _ := ranges[i].(pdf.Integer)
		n[i] = int64(v)
	}
	if n[0] != 0 || n[2]+n[3] != int64(len(b)) || b[n[1]] != '<' || b[n[2]-1] != '>' {
		return errors.New("ByteRange is not all but Contents")
	}
	h := p.HashAlg().New()
	h.Write(b[:n[1]])
	h.Write(b[n[2]:])
	if !bytes.Equal(h.Sum(nil), p.DocumentDigest()) {
		return errors.New("what is covered is not what was signed")
	}
	contents, _ := sig.Get("Contents").(pdf.String)
	der, _, err := cms.Split([]byte(contents))
	if err != nil {
		return err
	}
	_, err = cms.Parse(der, cms.Limits{})
	return err
}
