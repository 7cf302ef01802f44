package profile_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/profile"
)

func builtin(t testing.TB, o profile.Options) *profile.Set {
	t.Helper()
	set, err := profile.Builtin(o)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func get(t testing.TB, set *profile.Set, name string) *profile.Profile {
	t.Helper()
	p, err := set.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestBuiltinProfilesAreTheNamedOnes(t *testing.T) {
	t.Parallel()
	set := builtin(t, profile.Options{})
	want := "citizen issuing ocsp officer organisation root service tsa"
	if got := strings.Join(set.Names(), " "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if _, err := set.Get("king"); !errors.Is(err, profile.ErrUnknown) {
		t.Errorf("%v", err)
	}
	if id := get(t, set, "citizen").ID(); id != "citizen@1" {
		t.Error(id)
	}
}

func TestOptionsChangeArcAndValidityAndTheDigestTells(t *testing.T) {
	t.Parallel()
	plain := get(t, builtin(t, profile.Options{}), "officer")
	changed := get(t, builtin(t, profile.Options{PolicyArc: "2.16.704.5", MaxValidity: map[string]profile.Period{"officer": {Years: 3}}}), "officer")
	if got := changed.PolicyOIDs()[0].String(); got != "2.16.704.5.1.2" {
		t.Error(got)
	}
	if changed.Validity.Default != (profile.Period{Years: 3}) || plain.Validity.Max != (profile.Period{Years: 5}) {
		t.Errorf("%+v", changed.Validity)
	}
	if plain.Digest() == changed.Digest() {
		t.Error("the digest doesn't tell them apart")
	}
	if _, err := profile.Builtin(profile.Options{MaxValidity: map[string]profile.Period{"king": {Years: 3}}}); !errors.Is(err, profile.ErrUnknown) {
		t.Errorf("%v", err)
	}
	if _, err := profile.Builtin(profile.Options{PolicyArc: "x"}); !errors.Is(err, profile.ErrProfile) {
		t.Errorf("%v", err)
	}
}

func TestContradictoryFilesAreRefused(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("profiles/citizen.yaml")
	if err != nil {
		t.Fatal(err)
	}
	good := string(text)
	if _, err := profile.Parse([]byte(good), profile.Options{}); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"unknown field":           {"ocsp: true", "ocps: true"},
		"version 0":               {"version: 1", "version: 0"},
		"unknown role":            {"role: subscriber", "role: king"},
		"unknown kind":            {"kind: citizen", "kind: king"},
		"unknown regime":          {"regime: cong_cong", "regime: x"},
		"CA's key usage":          {"[digitalSignature, nonRepudiation]", "[keyCertSign]"},
		"unknown key usage":       {"nonRepudiation", "decipherEverything"},
		"no purposes":             {"ext_key_usage: [documentSigning, emailProtection]", "ext_key_usage: []"},
		"unknown purpose":         {"emailProtection", "spying"},
		"no CRL":                  {"crl: true", "crl: false"},
		"no policy":               {"policies: [1.3.6.1.4.1.32473.1.1]", "policies: []"},
		"broken policy":           {"1.3.6.1.4.1.32473.1.1", "hello"},
		"default over max":        {"default: 3y, max: 3y", "default: 4y, max: 3y"},
		"no period":               {"default: 3y", "default: forever"},
		"short RSA":               {"min: 2048", "min: 1024"},
		"unknown curve":           {"P-384", "P-521"},
		"UID without prefixes":    {", prefixes: [CCCD, CMND, HC, MST, BHXH]", ""},
		"attribute listed twice":  {"{type: L}", "{type: ST}"},
		"unknown attribute":       {"{type: L}", "{type: DC}"},
		"no CN":                   {"{type: CN, required: true}", "{type: O}"},
		"repeated CN":             {"{type: CN, required: true}", "{type: CN, repeat: true}"},
		"value that can't be":     {"values: [VN]", "values: [vietnam]"},
		"nocheck for a citizen":   {"crl: true", "crl: true\nocsp_no_check: true"},
		"CA rules for a citizen":  {"crl: true", "crl: true\nca: {}"},
		"name with a slash":       {"name: citizen", "name: ../citizen"},
		"field that stands twice": {"version: 1", "version: 1\nversion: 2"},
	} {
		if !strings.Contains(good, change[0]) {
			t.Fatalf("%s: nothing to change", name)
		}
		_, err := profile.Parse([]byte(strings.Replace(good, change[0], change[1], 1)), profile.Options{})
		if !errors.Is(err, profile.ErrProfile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFolderMustHoldEachNameOnce(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("profiles/citizen.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := profile.Load(fstest.MapFS{}, profile.Options{}); !errors.Is(err, profile.ErrProfile) {
		t.Errorf("empty: %v", err)
	}
	twice := fstest.MapFS{"a.yaml": {Data: text}, "b.yaml": {Data: text}}
	if _, err := profile.Load(twice, profile.Options{}); !errors.Is(err, profile.ErrProfile) {
		t.Errorf("twice: %v", err)
	}
}

func TestSubjectsAreArrangedAndNormalised(t *testing.T) {
	t.Parallel()
	p := get(t, builtin(t, profile.Options{}), "citizen")
	typed := pki.Subject{
		{Type: pki.UserID, Value: "CCCD:001099000001"}, {Type: pki.CommonName, Value: "Nguye\u0302\u0303n Va\u0306n A"},
		{Type: pki.UserID, Value: "MST:1"}, {Type: pki.Province, Value: "Thành phố Hà Nội"}, {Type: pki.Country, Value: "VN"},
	}
	if err := p.CheckSubject(typed); err == nil {
		t.Error("taken as typed")
	}
	arranged := p.Arrange(profile.Normalize(typed))
	if err := p.CheckSubject(arranged); err != nil {
		t.Fatal(err)
	}
	want := "C=VN, ST=Thành phố Hà Nội, CN=Nguyễn Văn A, UID=CCCD:001099000001, UID=MST:1"
	if got := arranged.String(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if typed[1].Value == arranged[2].Value {
		t.Error("the caller's subject was changed")
	}
}

func TestPeriodsEndOneSecondBeforeTheAnniversary(t *testing.T) {
	t.Parallel()
	start := time.Date(2024, 2, 29, 8, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"3y":  time.Date(2027, 3, 1, 7, 59, 59, 0, time.UTC),
		"60d": time.Date(2024, 4, 29, 7, 59, 59, 0, time.UTC),
	} {
		p, err := profile.ParsePeriod(text)
		if err != nil || p.String() != text || !p.End(start).Equal(want) {
			t.Errorf("%s: %v, %v", text, p.End(start), err)
		}
	}
	for _, text := range []string{"", "y", "0y", "-1y", "101y", "3", "3m", "1.5y", "99999d"} {
		if _, err := profile.ParsePeriod(text); !errors.Is(err, profile.ErrProfile) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"citizen", "root", "ocsp", "tsa"} {
		text, err := os.ReadFile("profiles/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := profile.Parse(text, profile.Options{})
		if err != nil {
			if pki.CodeOf(err) == "" && !errors.Is(err, profile.ErrProfile) {
				t.Errorf("no code: %v", err)
			}
			return
		}
		if p.Validity.Default.IsZero() || p.KeyUsageBits() == 0 || p.ID() == "" {
			t.Errorf("%+v", p)
		}
	})
}
