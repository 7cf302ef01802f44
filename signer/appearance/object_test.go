package appearance_test

import (
	"math"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/signer/appearance"
)

// dicts are all dictionaries and contents of a page's stamps.
func dicts(t *testing.T, list []stamp) string {
	t.Helper()
	var b strings.Builder
	for _, s := range list {
		objects, err := s.form.Objects(10)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			b.Write(o.Dict)
		}
		b.Write(s.form.Content)
	}
	return b.String()
}

func TestArchivalTargetsUseNothingTheyForbid(t *testing.T) {
	t.Parallel()
	for target, want := range map[appearance.Target]struct{ has, not []string }{
		appearance.Plain: {[]string{"/SMask", "/DeviceRGB", "0 g\n"}, []string{"/CalRGB", "/Mask"}},
		appearance.PDFA:  {[]string{"/SMask", "/CalRGB", "/CSg cs 0 sc", "/CIDSet"}, []string{"/DeviceRGB", " g\n"}},
		appearance.PDFA1: {[]string{"/Mask", "/ImageMask true", "/CalRGB", "/CSg cs 0 sc", "/CIDSet"}, []string{"/SMask", "/DeviceRGB", "/DeviceGray", " g\n", "/Group"}},
	} {
		list := append(leaderAndSeal(t, a4, appearance.Rect{300, 140, 470, 228}, target),
			textStamp(t, a4, target, "Số: 12/QĐ-UBND"))
		all := dicts(t, list)
		for _, s := range want.has {
			if !strings.Contains(all, s) {
				t.Errorf("target %d lacks %q", target, s)
			}
		}
		for _, s := range want.not {
			if strings.Contains(all, s) {
				t.Errorf("target %d uses %q", target, s)
			}
		}
	}
}

func TestTextIs10ptOnPaperWhateverTheUserUnit(t *testing.T) {
	t.Parallel()
	page := appearance.Page{MediaBox: appearance.Rect{0, 0, 297.64, 420.945}, UserUnit: 2, Rotate: 180}
	at, err := appearance.TextStampPlace(page, []string{"SAO Y"})
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(at.Rect.Width()-85) > 0.01 || math.Abs(at.BBox.Width()-170) > 0.01 || !near(turned(at), appearance.Rect{0, 0, 85, 15}) {
		t.Errorf("%+v", at)
	}
	if v := page.ToView(at.Rect); !near(v, appearance.Rect{297.64 - 21.25 - 85, 420.945 - 5 - 15, 297.64 - 21.25, 420.945 - 5}) {
		t.Errorf("in the view: %v", v)
	}
}

func TestEmptyFormIsOneEmptyStream(t *testing.T) {
	t.Parallel()
	objects, err := (&appearance.Form{}).Objects(1)
	if err != nil || len(objects) != 1 || objects[0].Stream == nil || len(objects[0].Stream) != 0 {
		t.Errorf("%+v, %v", objects, err)
	}
}
