package appearance_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/go-fonts/liberation/liberationserifitalic"
	"github.com/go-fonts/liberation/liberationserifregular"
	"github.com/kyso-vn/kyso/signer/appearance"
	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"
)

// vietnamese has every letter of the alphabet with every tone, both cases.
func vietnamese() string {
	var b strings.Builder
	for _, vowel := range "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY" {
		for _, tone := range []string{"", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323"} {
			b.WriteString(norm.NFC.String(string(vowel) + tone))
		}
	}
	return b.String() + "bcdđghklmnpqrstvxBCDĐGHKLMNPQRSTVX0123456789 .,:;/-+()₫\u00a0"
}

func TestSubsetDrawsEveryVietnameseLetterAsTheWholeFontDoes(t *testing.T) {
	t.Parallel()
	for face, whole := range map[appearance.Face][]byte{
		appearance.Upright: liberationserifregular.TTF,
		appearance.Italic:  liberationserifitalic.TTF,
	} {
		f, err := appearance.NewFont("F0", face, vietnamese())
		if err != nil {
			t.Fatal(err)
		}
		if len(f.File) > 80_000 {
			t.Errorf("subset has %d bytes", len(f.File))
		}
		sub, err := sfnt.Parse(f.File)
		if err != nil {
			t.Fatal(err)
		}
		all, err := sfnt.Parse(whole)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range vietnamese() {
			got, gi := outline(t, sub, r)
			want, _ := outline(t, all, r)
			if got != want {
				t.Errorf("%q is drawn otherwise in the subset", r)
			}
			adv, err := all.GlyphAdvance(nil, mustIndex(t, all, r), fixed.I(1000), font.HintingNone)
			if err != nil {
				t.Fatal(err)
			}
			if w := f.Widths[gi]; w != adv.Round() {
				t.Errorf("%q: /W says %d, font says %v", r, w, adv)
			}
		}
	}
}

func mustIndex(t *testing.T, f *sfnt.Font, r rune) sfnt.GlyphIndex {
	t.Helper()
	g, err := f.GlyphIndex(nil, r)
	if err != nil || g == 0 {
		t.Fatalf("no glyph for %q: %v", r, err)
	}
	return g
}

func outline(t *testing.T, f *sfnt.Font, r rune) (string, sfnt.GlyphIndex) {
	t.Helper()
	g := mustIndex(t, f, r)
	segs, err := f.LoadGlyph(nil, g, fixed.I(2048), nil)
	if err != nil {
		t.Fatalf("glyph of %q: %v", r, err)
	}
	return fmt.Sprint(segs), g
}

func TestSubsetIsDeterministicAndTagged(t *testing.T) {
	t.Parallel()
	a := mustFont(t, "Nguyễn Văn An")
	b := mustFont(t, "nA năV nễyugN") // the same letters
	c := mustFont(t, "Nguyễn Văn Anh")
	if !bytes.Equal(a.File, b.File) || a.BaseFont != b.BaseFont {
		t.Error("the same letters made different subsets")
	}
	if a.BaseFont == c.BaseFont {
		t.Error("different subsets share the tag", a.BaseFont)
	}
	if !regexp.MustCompile(`^[A-Z]{6}\+LiberationSerif$`).MatchString(a.BaseFont) {
		t.Error(a.BaseFont)
	}
}

func mustFont(t *testing.T, s string) appearance.Font {
	t.Helper()
	f, err := appearance.NewFont("F0", appearance.Upright, s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestCIDSetCoversEveryGlyphIncludingParts(t *testing.T) {
	t.Parallel()
	f := mustFont(t, "Ễ") // a composite: its parts are glyphs of the subset too
	sub, err := sfnt.Parse(f.File)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, b := range f.CIDSet {
		for ; b != 0; b &= b - 1 {
			n++
		}
	}
	if n != sub.NumGlyphs() || n != len(f.Widths) || n < 2 {
		t.Errorf("%d CIDs, %d glyphs, %d widths", n, sub.NumGlyphs(), len(f.Widths))
	}
}

func TestCharactersWithoutGlyphAreRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"漢", "\U0001F58B", "\uFFFF"} {
		var typed *appearance.TextError
		if _, err := appearance.NewFont("F0", appearance.Upright, s); !errors.As(err, &typed) || typed.Reason != appearance.TextNoGlyph {
			t.Errorf("%q: %v", s, err)
		}
	}
}
