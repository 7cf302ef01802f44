package pki_test

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/pki"
)

func citizen() pki.Subject {
	return pki.Subject{
		{Type: pki.Country, Value: "VN"}, {Type: pki.Province, Value: "Thành phố Hà Nội"},
		{Type: pki.CommonName, Value: "Nguyễn Thị Ánh Đào"}, {Type: pki.EmailAddress, Value: "dao@example.vn"},
		{Type: pki.UserID, Value: "MST:0100000001"}, {Type: pki.UserID, Value: "CCCD:001099000001"},
	}
}

func TestSubjectReturnsFromDER(t *testing.T) {
	t.Parallel()
	der, err := citizen().DER()
	if err != nil {
		t.Fatal(err)
	}
	got, err := pki.ParseSubject(der)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != citizen().String() {
		t.Errorf("%s", got)
	}
	if got.Identifier(pki.CCCD) != "001099000001" || got.Identifier(pki.MST) != "0100000001" || got.Identifier(pki.HC) != "" {
		t.Error("repeated UID lost")
	}
	shown, err := pki.DisplayName(der)
	if err != nil || shown != got.String() {
		t.Errorf("%s, %v", shown, err)
	}
}

func TestStringTypesAreThoseOfTheStandard(t *testing.T) {
	t.Parallel()
	der, err := citizen().DER()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("openssl", "asn1parse", "-inform", "DER")
	command.Stdin = bytes.NewReader(der)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for kind, want := range map[string]int{"PRINTABLESTRING": 1, "UTF8STRING": 4, "IA5STRING": 1} {
		if n := strings.Count(string(out), kind); n != want {
			t.Errorf("%d %s, want %d\n%s", n, kind, want, out)
		}
	}
}

func TestHostileNamesAreRefused(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		attribute pki.Attribute
		code      pki.Code
	}{
		"empty":               {pki.Attribute{Type: "CN"}, pki.ErrSubjectEmpty},
		"unknown type":        {pki.Attribute{Type: "CN=x, O", Value: "x"}, pki.ErrSubjectAttribute},
		"65 characters":       {pki.Attribute{Type: "CN", Value: strings.Repeat("Đ", 65)}, pki.ErrSubjectTooLong},
		"O of 65":             {pki.Attribute{Type: "O", Value: strings.Repeat("a", 65)}, pki.ErrSubjectTooLong},
		"OU of 65":            {pki.Attribute{Type: "OU", Value: strings.Repeat("a", 65)}, pki.ErrSubjectTooLong},
		"NUL":                 {pki.Attribute{Type: "CN", Value: "a\x00b"}, pki.ErrSubjectCharacter},
		"newline":             {pki.Attribute{Type: "CN", Value: "a\nb"}, pki.ErrSubjectCharacter},
		"right-to-left":       {pki.Attribute{Type: "CN", Value: "a\u202eb"}, pki.ErrSubjectCharacter},
		"isolate":             {pki.Attribute{Type: "CN", Value: "a\u2067b"}, pki.ErrSubjectCharacter},
		"arabic letter mark":  {pki.Attribute{Type: "CN", Value: "a\u061cb"}, pki.ErrSubjectCharacter},
		"zero width":          {pki.Attribute{Type: "CN", Value: "a\u200bb"}, pki.ErrSubjectCharacter},
		"soft hyphen":         {pki.Attribute{Type: "CN", Value: "a\u00adb"}, pki.ErrSubjectCharacter},
		"byte order mark":     {pki.Attribute{Type: "CN", Value: "\ufeffa"}, pki.ErrSubjectCharacter},
		"no-break space":      {pki.Attribute{Type: "CN", Value: "a\u00a0b"}, pki.ErrSubjectCharacter},
		"line separator":      {pki.Attribute{Type: "CN", Value: "a\u2028b"}, pki.ErrSubjectCharacter},
		"tag character":       {pki.Attribute{Type: "CN", Value: "a\U000e0041b"}, pki.ErrSubjectCharacter},
		"Hangul filler":       {pki.Attribute{Type: "CN", Value: "\u3164"}, pki.ErrSubjectCharacter},
		"private use":         {pki.Attribute{Type: "CN", Value: "a\ue000"}, pki.ErrSubjectCharacter},
		"not UTF-8":           {pki.Attribute{Type: "CN", Value: "a\xff"}, pki.ErrSubjectCharacter},
		"space at the end":    {pki.Attribute{Type: "CN", Value: "a "}, pki.ErrSubjectCharacter},
		"country in lower":    {pki.Attribute{Type: "C", Value: "vn"}, pki.ErrSubjectValue},
		"mail without domain": {pki.Attribute{Type: "E", Value: "a@b"}, pki.ErrSubjectValue},
		"mail with an accent": {pki.Attribute{Type: "E", Value: "đ@hanoi.gov.vn"}, pki.ErrSubjectValue},
		"CCCD of 11":          {pki.Attribute{Type: "UID", Value: "CCCD:00109900000"}, pki.ErrSubjectValue},
		"UID without prefix":  {pki.Attribute{Type: "UID", Value: "001099000001"}, pki.ErrSubjectValue},
		"unknown prefix":      {pki.Attribute{Type: "UID", Value: "ABC:1"}, pki.ErrSubjectValue},
	} {
		_, err := pki.Subject{row.attribute}.DER()
		if !errors.Is(err, row.code) {
			t.Errorf("%s: %v, want %s", name, err, row.code)
		}
		if v := row.attribute.Value; err != nil && len(v) > 3 && strings.Contains(err.Error(), v) {
			t.Errorf("%s: the error repeats the value", name)
		}
	}
}

func TestLongestNamesAreTaken(t *testing.T) {
	t.Parallel()
	for _, v := range []string{strings.Repeat("Ề", 64), "D'Arcy, Jr.; CN=x + O=y", "李 明", "Đặng Thị Hoà"} {
		s := pki.Subject{{Type: pki.CommonName, Value: v}}
		der, err := s.DER()
		if err != nil {
			t.Errorf("%q: %v", v, err)
			continue
		}
		if got, err := pki.ParseSubject(der); err != nil || got.Value(pki.CommonName) != v {
			t.Errorf("%q: %v, %v", v, got, err)
		}
	}
}

func TestDisplayCannotBeMistakenForAnotherAttribute(t *testing.T) {
	t.Parallel()
	s := pki.Subject{{Type: pki.CommonName, Value: `a, O=Sở "X"+b<c>;\`}, {Type: pki.Locality, Value: "#1"}}
	want := `CN=a\, O\=Sở \"X\"\+b\<c\>\;\\, L=\#1`
	if got := s.String(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestRepeatedAttributesAreRefusedButUIDAndOU(t *testing.T) {
	t.Parallel()
	cn := pki.Attribute{Type: pki.CommonName, Value: "a"}
	uid := pki.Attribute{Type: pki.UserID, Value: "CCCD:001099000001"}
	for _, s := range []pki.Subject{{cn, cn}, {cn, uid, uid}} {
		if err := s.Check(); !errors.Is(err, pki.ErrSubjectAttribute) {
			t.Errorf("%s: %v", s, err)
		}
	}
	if err := (pki.Subject{cn, uid, {Type: pki.UserID, Value: "MST:1"}}).Check(); err != nil {
		t.Error(err)
	}
}

func FuzzParseSubject(f *testing.F) {
	der, err := citizen().DER()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(der)
	f.Add([]byte{0x30, 0})
	f.Add([]byte{0x30, 0x84, 1})
	f.Fuzz(func(t *testing.T, der []byte) {
		_, _ = pki.DisplayName(der) // must not panic on anything
		s, err := pki.ParseSubject(der)
		if err != nil {
			if pki.CodeOf(err) == "" {
				t.Errorf("no code: %v", err)
			}
			return
		}
		again, err := s.DER()
		if err != nil || !bytes.Equal(again, der) {
			t.Fatalf("%x became %x, %v", der, again, err)
		}
		if shown, err := pki.DisplayName(der); err != nil || shown != s.String() {
			t.Fatalf("%q and %q, %v", shown, s, err)
		}
	})
}

func FuzzSubjectText(f *testing.F) {
	f.Add("Nguyễn Văn A", "CCCD:001099000001")
	f.Add("a\u202eb", "x")
	f.Fuzz(func(t *testing.T, name, uid string) {
		s := pki.Subject{{Type: pki.CommonName, Value: name}, {Type: pki.UserID, Value: uid}}
		der, err := s.DER()
		if err != nil {
			return
		}
		got, err := pki.ParseSubject(der)
		if err != nil || got.Value(pki.CommonName) != name || got.Value(pki.UserID) != uid {
			t.Fatalf("%v, %v", got, err)
		}
	})
}
