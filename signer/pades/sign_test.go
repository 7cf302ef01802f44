package pades_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/internal/interop"
	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pades"
)

// sign prepares, stores and restores, and finishes in memory.
func sign(t testing.TB, in []byte, who *person, o pades.Options) []byte {
	t.Helper()
	o.Certificate, o.Chain = who.cert, who.chain
	p, err := pades.Prepare(t.Context(), pades.FromBytes(in), o)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var again pades.Prepared
	if err := json.Unmarshal(stored, &again); err != nil {
		t.Fatal(err)
	}
	value, err := who.key.Sign(rand.Reader, again.Digest(), again.SignerOpts())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := pades.Finish(t.Context(), &again, pades.FromBytes(in), value, nil, &out); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(out.Bytes(), in) {
		t.Fatal("the input is not a prefix of the output")
	}
	return out.Bytes()
}

// judge asks the outside judges about a signed file.
func judge(t testing.TB, signed []byte, root, password string, signatures int) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "signed.pdf")
	if err := os.WriteFile(file, signed, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := interop.QPDFCheck(t.Context(), file, password); err != nil {
		t.Errorf("qpdf: %v", err)
	}
	if root != "" {
		if err := interop.OpenSSLVerify(t.Context(), file, root); err != nil {
			t.Errorf("openssl: %v", err)
		}
	}
	found, err := interop.ExtractCMS(file)
	if err != nil || len(found) != signatures {
		t.Errorf("%d signatures found, want %d (%v)", len(found), signatures, err)
	}
	return file
}

func samples(t testing.TB) []string {
	t.Helper()
	var out []string
	for _, dir := range []string{".", "producers", "qpdf", "profiles"} {
		m, err := filepath.Glob(filepath.Join("../../testdata/pdf", dir, "*.pdf"))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m...)
	}
	if len(out) < 10 {
		t.Fatalf("only %d sample files", len(out))
	}
	return out
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEverySampleIsSignedAndAcceptedByOthers(t *testing.T) {
	t.Parallel()
	an := newPerson(t, "Nguyễn Văn Ấn", p256(t))
	for _, path := range samples(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			password := ""
			if filepath.Base(path) == "password.pdf" {
				password = "secret"
			}
			signed := sign(t, read(t, path), an, pades.Options{Reason: "Phê duyệt", Location: "Hà Nội", Active: pades.ActiveWarn, Password: password})
			again := sign(t, signed, an, pades.Options{Active: pades.ActiveWarn, Password: password})
			judge(t, again, an.root, password, 2)
		})
	}
}

func TestSchemes(t *testing.T) {
	t.Parallel()
	in := read(t, "../../testdata/pdf/to-trinh.pdf")
	for _, c := range []struct {
		name string
		key  func(testing.TB) *person
		o    pades.Options
	}{
		{"PSS", func(t testing.TB) *person { return newPerson(t, "a", rsa2048(t)) }, pades.Options{}},
		{"PKCS1", func(t testing.TB) *person { return newPerson(t, "a", rsa2048(t)) }, pades.Options{Scheme: cms.PKCS1v15}},
		{"P-256", func(t testing.TB) *person { return newPerson(t, "a", p256(t)) }, pades.Options{Certify: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			who := c.key(t)
			judge(t, sign(t, in, who, c.o), who.root, "", 1)
		})
	}
}

func TestLeaderThenNumberDateAndSeal(t *testing.T) {
	t.Parallel()
	in := read(t, "../../testdata/pdf/to-trinh.pdf")
	info, err := pades.Inspect(t.Context(), pades.FromBytes(in), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"chu_ky_lanh_dao", "con_dau", "so_ky_hieu", "ngay_ban_hanh"} {
		if _, ok := info.Field(name); !ok {
			t.Fatalf("sample has no field %s: %+v", name, info.Fields)
		}
	}
	var b bytes.Buffer
	leader, _ := info.Field("chu_ky_lanh_dao")
	place, err := info.Pages[leader.Page-1].SealPlace(leader.Rect, 36)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := pades.AddFields(t.Context(), pades.FromBytes(in), []pades.FieldSpec{
		{Name: "con_dau", Rect: place.Rect, LockAll: true}, {Name: "ky_nhay", Page: -1, Rect: appearance.Rect{20, 20, 60, 40}}}, "", &b)
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	prepared := b.Bytes()
	if changed, err := pades.AddFields(t.Context(), pades.FromBytes(prepared), []pades.FieldSpec{{Name: "con_dau", Rect: place.Rect, LockAll: true}}, "", &bytes.Buffer{}); changed || err != nil {
		t.Fatalf("a second time: changed %v, %v", changed, err)
	}
	an, seal := newPerson(t, "Nguyễn Văn Ấn", p256(t)), newPerson(t, "UBND phường Cửa Nam", p256(t))
	signed := sign(t, prepared, an, pades.Options{Field: "chu_ky_lanh_dao"})
	sealed := sign(t, signed, seal, pades.Options{Field: "con_dau", Fill: map[string]string{"so_ky_hieu": "12/QĐ-UBND", "ngay_ban_hanh": "ngày 05 tháng 01 năm 2026"}})
	file := judge(t, sealed, "", "", 2)
	text, err := interop.Text(t.Context(), file)
	if err != nil || !strings.Contains(text, "12/QĐ-UBND") || !strings.Contains(text, "ngày 05 tháng 01 năm 2026") {
		t.Errorf("number and date are not read back: %v\n%s", err, text)
	}
	for name, c := range map[string]struct {
		o    pades.Options
		code string
	}{
		"locked text":      {pades.Options{Fill: map[string]string{"so_ky_hieu": "13/QĐ"}}, signer.CodeFieldLocked},
		"locked field":     {pades.Options{Field: "ky_nhay"}, signer.CodeFieldLocked},
		"signed field":     {pades.Options{Field: "con_dau"}, signer.CodeFieldSigned},
		"unknown field":    {pades.Options{Field: "khong_co"}, signer.CodeFieldUnknown},
		"text field":       {pades.Options{Field: "so_ky_hieu"}, signer.CodeFieldNotSig},
		"late certificate": {pades.Options{Certify: 1}, signer.CodeDocMDPForbids},
	} {
		c.o.Certificate = an.cert
		if _, err := pades.Prepare(t.Context(), pades.FromBytes(sealed), c.o); signer.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

func TestACertificationIsObeyed(t *testing.T) {
	t.Parallel()
	an := newPerson(t, "a", p256(t))
	in := read(t, "../../testdata/pdf/to-trinh.pdf")
	locked := sign(t, in, an, pades.Options{Certify: 1})
	if _, err := pades.Prepare(t.Context(), pades.FromBytes(locked), pades.Options{Certificate: an.cert}); signer.CodeOf(err) != signer.CodeDocMDPForbids {
		t.Errorf("a second signature after P=1: %v", err)
	}
	judge(t, sign(t, sign(t, in, an, pades.Options{Certify: 2}), an, pades.Options{}), an.root, "", 2)
}

func TestWhatIsFinishedIsWhatWasPrepared(t *testing.T) {
	t.Parallel()
	an, binh := newPerson(t, "a", p256(t)), newPerson(t, "b", p256(t))
	in := read(t, "../../testdata/pdf/to-trinh.pdf")
	prepare := func() (*pades.Prepared, []byte) {
		p, err := pades.Prepare(t.Context(), pades.FromBytes(in), pades.Options{Certificate: an.cert})
		if err != nil {
			t.Fatal(err)
		}
		v, err := an.key.Sign(rand.Reader, p.Digest(), p.SignerOpts())
		if err != nil {
			t.Fatal(err)
		}
		return p, v
	}
	stored := func(p *pades.Prepared) *pades.Prepared { // as another process gets it
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var again pades.Prepared
		if err := json.Unmarshal(b, &again); err != nil {
			t.Fatal(err)
		}
		return &again
	}
	changed := bytes.Clone(in)
	changed[len(changed)/2] ^= 1
	for where, carry := range map[string]func(*pades.Prepared) *pades.Prepared{
		"here": func(p *pades.Prepared) *pades.Prepared { return p }, "elsewhere": stored,
	} {
		for what, other := range map[string][]byte{"changed": changed, "shorter": in[:len(in)-1]} {
			p, v := prepare()
			if _, err := pades.Finish(t.Context(), carry(p), pades.FromBytes(other), v, nil, &bytes.Buffer{}); signer.CodeOf(err) != signer.CodeInputChanged {
				t.Errorf("%s input, finished %s: %v", what, where, err)
			}
		}
	}
	p, _ := prepare()
	wrong, err := binh.key.Sign(rand.Reader, p.Digest(), p.SignerOpts())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pades.Finish(t.Context(), p, pades.FromBytes(in), wrong, nil, &bytes.Buffer{}); !errors.Is(err, cms.ErrSignature) {
		t.Errorf("somebody else's value: %v", err)
	}
}

func TestHalfFilesAndNoPDFsAreRefused(t *testing.T) {
	t.Parallel()
	an := newPerson(t, "a", p256(t))
	for name, code := range map[string]string{"half.pdf": "damaged", "text.pdf": "not_pdf", "empty.pdf": "not_pdf"} {
		_, err := pades.Prepare(t.Context(), pades.FromBytes(read(t, "../../testdata/bad/"+name)), pades.Options{Certificate: an.cert})
		if got := signer.CodeOf(err); got != code {
			t.Errorf("%s: %q (%v), want %q", name, got, err, code)
		}
	}
}

func TestASignatureLargerThanItsRoomIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, p256(t))
	in := pades.FromBytes(plain())
	o := w.options()
	o.TimestampRoom = -1
	p, err := pades.Prepare(t.Context(), in, o)
	if err != nil {
		t.Fatal(err)
	}
	value, err := w.Key.Sign(rand.Reader, p.Digest(), p.SignerOpts())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := pades.Finish(t.Context(), p, in, value, w.World.TSA, &out); signer.CodeOf(err) != signer.CodeCMSTooLarge || out.Len() > 0 {
		t.Errorf("%v, and %d bytes were written", err, out.Len())
	}
	if _, err := pades.Finish(t.Context(), p, in, value, nil, &out); err != nil {
		t.Errorf("without a time-stamp: %v", err)
	}
}
