package appearance_test

import (
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/signer/appearance"
	"golang.org/x/text/unicode/norm"
)

func box(w, h float64) appearance.Place {
	return appearance.Place{Rect: appearance.Rect{0, 0, w, h}, BBox: appearance.Rect{0, 0, w, h}}
}

// fontSize reads the operand of Tf.
func fontSize(t *testing.T, f *appearance.Form) float64 {
	t.Helper()
	m := regexp.MustCompile(`/F0 ([0-9.]+) Tf`).FindSubmatch(f.Content)
	if m == nil {
		t.Fatalf("no font in %q", f.Content)
	}
	v, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAutomaticSizeIsTheLargestThatFits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		w, h float64
		text string
		want float64
	}{
		{300, 40, "Số: 12/QĐ-UBND", 13}, // room to spare: the size of the decree
		{300, 10, "Số: 12/QĐ-UBND", 9},  // the height decides
		{60, 40, "Số: 12/QĐ-UBND", 7},   // the width decides
		{200, 200, "12/QĐ-UBND", 13},
	} {
		f, err := appearance.NewFieldForm(box(tt.w, tt.h), tt.text, appearance.FieldStyle{}, appearance.Plain)
		if err != nil {
			t.Errorf("%v x %v: %v", tt.w, tt.h, err)
			continue
		}
		if got := fontSize(t, f); got != tt.want {
			t.Errorf("%v x %v: %v pt, want %v", tt.w, tt.h, got, tt.want)
		}
	}
}

func TestTextThatDoesNotFitIsRefusedNotCut(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		w, h  float64
		text  string
		style appearance.FieldStyle
	}{
		"fixed size, too wide":   {60, 20, "Số: 12/QĐ-UBND", appearance.FieldStyle{Size: 13}},
		"fixed size, too high":   {300, 10, "Số: 12/QĐ-UBND", appearance.FieldStyle{Size: 13}},
		"no readable size":       {20, 20, "Số: 12/QĐ-UBND", appearance.FieldStyle{}},
		"too many lines":         {60, 30, "một hai ba bốn năm sáu bảy tám", appearance.FieldStyle{Size: 13, Multiline: true}},
		"one word, several rows": {40, 300, "Hoàngggggggggg", appearance.FieldStyle{Size: 13, Multiline: true}},
	} {
		_, err := appearance.NewFieldForm(box(tt.w, tt.h), tt.text, tt.style, appearance.Plain)
		var typed *appearance.OverflowError
		if !errors.As(err, &typed) || typed.NeedWidth <= tt.w && typed.NeedHeight <= tt.h {
			t.Errorf("%s: %v", name, err)
		}
	}
	lines := []string{"SAO Y", "Sở Nội vụ", "2020-01-05T08:09:10+07:00"}
	_, err := appearance.NewTextForm(box(170, 30), lines, appearance.Plain)
	var typed *appearance.OverflowError
	if !errors.As(err, &typed) || math.Abs(typed.NeedHeight-34.5) > 0.01 {
		t.Errorf("three lines of 10 pt in 30 pt: %v", err)
	}
}

func TestFieldWithoutTextPaintsNothing(t *testing.T) {
	t.Parallel()
	f, err := appearance.NewFieldForm(box(100, 20), "", appearance.FieldStyle{}, appearance.Plain)
	if err != nil || len(f.Fonts) != 0 || string(f.Content) != "/Tx BMC\nEMC\n" {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestFieldFormStandsAlone(t *testing.T) {
	t.Parallel()
	page := appearance.Page{MediaBox: appearance.Rect{0, 0, 300, 100}}
	value := "Hà Nội, ngày 05 tháng 01 năm 2020"
	file := onePage(t, page, "", fieldStamp(t, page, appearance.Rect{10, 40, 290, 60}, norm.NFD.String(value), appearance.FieldStyle{Face: appearance.Italic, Align: appearance.Right}))
	if text := run(t, "pdftotext", file, "-"); !strings.Contains(text, value) {
		t.Errorf("pdftotext: %q", text)
	}
	if fonts := run(t, "pdffonts", file); !strings.Contains(fonts, "+LiberationSerif-Italic") {
		t.Error(fonts)
	}
	if out := run(t, "mutool", "draw", "-F", "text", file); !strings.Contains(out, value) {
		t.Errorf("mutool: %q", out)
	}
}

func TestTextIsComposedAndControlCharactersAreRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"Đặng Thị Hoà", "Nguyễn Phước Ửu", "ƯỜNG"} {
		got, err := appearance.Normalize(norm.NFD.String(s))
		if err != nil || got != norm.NFC.String(s) {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
	for name, s := range map[string]string{
		"NUL": "a\x00b", "newline": "a\nb", "escape": "\x1b[0m", "right-to-left override": "abc\u202Edef",
		"zero width": "a\u200bb", "soft hyphen": "a\u00adb", "private use": "\uE000", "line separator": "a\u2028b",
		"broken UTF-8": "a\xffb", "byte order mark": "\uFEFFabc",
	} {
		var typed *appearance.TextError
		if _, err := appearance.Normalize(s); !errors.As(err, &typed) || typed.Reason != appearance.TextControl {
			t.Errorf("%s: %v", name, err)
		}
	}
	var typed *appearance.TextError
	if _, err := appearance.Normalize(strings.Repeat("ă", appearance.MaxTextRunes+1)); !errors.As(err, &typed) || typed.Reason != appearance.TextTooLong {
		t.Error(err)
	}
	if _, err := appearance.NewTextForm(box(170, 30), []string{"", ""}, appearance.Plain); !errors.Is(err, appearance.ErrNoText) {
		t.Error(err)
	}
}

// What passes is stable, and what is drawn fits into its box.
func FuzzFieldText(f *testing.F) {
	f.Add("Số: 12/QĐ-UBND", 120.0, 18.0, 0.0, false)
	f.Add("Kính gửi:\nCác sở", 90.0, 60.0, 11.0, true)
	f.Add("a\u0301\u0323", 50.0, 20.0, 12.0, true)
	f.Fuzz(func(t *testing.T, value string, w, h, size float64, multiline bool) {
		form, err := appearance.NewFieldForm(box(w, h), value, appearance.FieldStyle{Size: size, Multiline: multiline}, appearance.Plain)
		if err != nil {
			return
		}
		for _, n := range regexp.MustCompile(`(-?[0-9.]+) (-?[0-9.]+) Tm`).FindAllSubmatch(form.Content, -1) {
			x, _ := strconv.ParseFloat(string(n[1]), 64)
			y, _ := strconv.ParseFloat(string(n[2]), 64)
			if x < 0 || x > w || y < -0.1 || y > h {
				t.Fatalf("text at %v,%v in %v x %v", x, y, w, h)
			}
		}
		if _, err := form.Objects(7); err != nil {
			t.Fatal(err)
		}
		if one, err := appearance.Normalize(value); err == nil {
			if two, err := appearance.Normalize(one); err != nil || one != two {
				t.Fatalf("normalised twice: %q %q %v", one, two, err)
			}
		}
	})
}
