package appearance_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/signer/appearance"
)

// env is a document of three A4 pages; page 2 is signed, page 3 an annex.
func env(t *testing.T) appearance.Env {
	t.Helper()
	pictures := map[string][]byte{
		"ky.png":   must(inkPNG())(t),
		"nhay.png": must(initialPNG())(t),
		"dau.png":  must(sealPNG())(t),
	}
	return appearance.Env{
		Pages: 3,
		Page:  func(int) (appearance.Page, error) { return a4, nil },
		Runs: func(n int) ([]appearance.Run, error) {
			if n != 2 {
				return []appearance.Run{centred("PHỤ LỤC", 300, 700)}, nil
			}
			return lastPage(centred("TM. ỦY BAN NHÂN DÂN", 420, 380), centred("CHỦ TỊCH", 420, 364), centred("Nguyễn Văn An", 420, 270)), nil
		},
		Picture: func(field string) (int, appearance.Rect, error) {
			if field != "Signature1" {
				return 0, appearance.Rect{}, fmt.Errorf("field %q: %w", field, fs.ErrNotExist)
			}
			return 2, appearance.Rect{340, 285, 500, 350}, nil
		},
		Load: func(name string) ([]byte, error) {
			if data, ok := pictures[name]; ok {
				return data, nil
			}
			return nil, fs.ErrNotExist
		},
		Signed: signed,
	}
}

func build(t *testing.T, text string, e appearance.Env) (*appearance.Stamp, error) {
	t.Helper()
	s, err := appearance.ParseSpec([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Build(e)
}

func TestEveryKindIsBuiltWhereItBelongs(t *testing.T) {
	t.Parallel()
	d := 36 * 2.83465
	for name, want := range map[string]struct {
		page int
		rect appearance.Rect
	}{
		// 60 mm x 25 mm, centred between post and name
		"leader by anchor": {2, appearance.Rect{334.96, 286.08, 505.04, 356.85}},
		// the largest with the picture's proportions
		"leader by rect":    {3, appearance.Rect{300.91, 120, 469.09, 190}},
		"seal over a field": {2, appearance.Rect{340 + 160.0/3 - d, 317.5 - d/2, 340 + 160.0/3, 317.5 + d/2}},
		"seal by rect":      {3, appearance.Rect{80 * 2.83465, 40 * 2.83465, 116 * 2.83465, 76 * 2.83465}},
		"text":              {1, appearance.Rect{382.78, 801.89, 552.78, 831.89}},
		"lines":             {2, appearance.Rect{382.78, 801.89, 552.78, 831.89}},
		"copy":              {1, appearance.Rect{382.78, 797.39, 552.78, 831.89}},
		"initial":           {2, appearance.Rect{}},
		"invisible initial": {3, appearance.Rect{}},
		"none":              {3, appearance.Rect{}},
	} {
		got, err := build(t, specs[name], env(t))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if name == "initial" { // beside ./. at the end of the text
			if r := got.Rect; got.Page != 2 || r[0] < 505 || math.Abs((r[1]+r[3])/2-424.4) > 1 || r.Width() > 57 {
				t.Errorf("initial on page %d at %v", got.Page, r)
			}
			continue
		}
		if diff := maxDiff(got.Rect, want.rect); got.Page != want.page || diff > 0.7 {
			t.Errorf("%s: page %d at %v, want page %d at %v", name, got.Page, got.Rect, want.page, want.rect)
		}
		if got.Form == nil || (got.Rect == appearance.Rect{}) != (len(got.Form.Content) == 0) {
			t.Errorf("%s: a stamp shows if and only if it has a place", name)
		}
	}
}

func maxDiff(a, b appearance.Rect) (most float64) {
	for i := range a {
		most = max(most, math.Abs(a[i]-b[i]))
	}
	return most
}

func TestExistingFieldKeepsItsRectangle(t *testing.T) {
	t.Parallel()
	e := env(t)
	e.Field, e.FieldPage = &appearance.Rect{500, 350, 340, 285}, 2 // corners as some producers write them
	for _, name := range []string{"leader by anchor", "text", "initial", "none"} {
		got, err := build(t, specs[name], e)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Page != 2 || got.Rect != (appearance.Rect{340, 285, 500, 350}) {
			t.Errorf("%s: page %d, %v", name, got.Page, got.Rect)
		}
	}
	// A seal would be scaled.
	var size *appearance.SizeError
	if _, err := build(t, `{"kind":"seal","image":"dau.png","diameter_mm":36}`, e); !errors.As(err, &size) {
		t.Errorf("seal in a field of another size: %v", err)
	}
	// An invisible field stays invisible.
	e.Field = &appearance.Rect{}
	if got, err := build(t, specs["none"], e); err != nil || got.Rect != (appearance.Rect{}) {
		t.Errorf("none: %v, %v", got, err)
	}
	if _, err := build(t, specs["text"], e); !errors.Is(err, appearance.ErrRect) {
		t.Errorf("text in a field without area: %v", err)
	}
}

func TestSealBesideTheSignatureIsRefused(t *testing.T) {
	t.Parallel()
	var overlap *appearance.OverlapError
	_, err := build(t, `{"kind":"seal","image":"dau.png","diameter_mm":36,"over":"Signature1","page":2,"rect":[80,90,116,126],"unit":"mm"}`, env(t))
	if !errors.As(err, &overlap) {
		t.Error(err)
	}
	d := appearance.MM(36)
	e := env(t)
	e.Field, e.FieldPage = &appearance.Rect{340 + 160.0/3 - d, 317.5 - d/2, 340 + 160.0/3, 317.5 + d/2}, 2
	if _, err := build(t, specs["seal over a field"], e); err != nil {
		t.Errorf("seal in a field of its own: %v", err)
	}
}

func TestBuildSaysWhyNot(t *testing.T) {
	t.Parallel()
	for text, check := range map[string]func(error) bool{
		`{"kind":"leader","image":"x.png","rect":[0,0,9,9]}`:                              func(err error) bool { return errors.Is(err, fs.ErrNotExist) },
		`{"kind":"text","number":"1","page":4}`:                                           isSpec("page"),
		`{"kind":"leader","image":"ky.png"}`:                                              isSpec("rect"),
		`{"kind":"seal","image":"dau.png","diameter_mm":36}`:                              isSpec("over"),
		`{"kind":"seal","image":"dau.png","diameter_mm":36,"over":"Signature1","page":1}`: isSpec("over"),
		`{"kind":"seal","image":"dau.png","diameter_mm":36,"over":"Other"}`:               func(err error) bool { return errors.Is(err, fs.ErrNotExist) },
		`{"kind":"seal","image":"ky.png","diameter_mm":36,"over":"Signature1"}`:           func(err error) bool { return errors.Is(err, appearance.ErrSealNotRound) },
		`{"kind":"seal","image":"dau.png","diameter_mm":36,"rect":[0,0,90,90]}`: func(err error) bool {
			var e *appearance.SizeError
			return errors.As(err, &e)
		},
		`{"kind":"leader","image":"ky.png","anchor":{"name":"Trần Văn Bé"}}`: func(err error) bool {
			var e *appearance.AnchorError
			return errors.As(err, &e) && e.Missing == appearance.AnchorName && !strings.Contains(err.Error(), "Trần")
		},
		`{"kind":"text","lines":["漢"]}`: func(err error) bool {
			var e *appearance.TextError
			return errors.As(err, &e) && e.Rune == '漢'
		},
		`{"kind":"text","lines":["a\u0007"]}`: func(err error) bool {
			var e *appearance.TextError
			return errors.As(err, &e) && e.Reason == appearance.TextControl
		},
	} {
		if got, err := build(t, text, env(t)); err == nil || got != nil || !check(err) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

func isSpec(member string) func(error) bool {
	return func(err error) bool {
		var e *appearance.SpecError
		return errors.As(err, &e) && e.Member == member
	}
}
