package appearance_test

import (
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/signer/appearance"
)

var a4 = appearance.Page{MediaBox: appearance.Rect{0, 0, 595.28, 841.89}}

func textStamp(t *testing.T, page appearance.Page, target appearance.Target, lines ...string) stamp {
	t.Helper()
	at, err := appearance.TextStampPlace(page, lines)
	if err != nil {
		t.Fatal(err)
	}
	form, err := appearance.NewTextForm(at, lines, target)
	if err != nil {
		t.Fatal(err)
	}
	return stamp{form, at.Rect}
}

func TestTextStampReadsBackAndEmbedsItsFont(t *testing.T) {
	t.Parallel()
	lines := []string{"SAO Y", "Ủy ban nhân dân thành phố Hà Nội", "2020-01-05T08:09:10+07:00"}
	for _, target := range []appearance.Target{appearance.Plain, appearance.PDFA, appearance.PDFA1} {
		file := onePage(t, a4, "", textStamp(t, a4, target, lines...))
		if out := run(t, "qpdf", "--check", file); strings.Contains(out, "WARNING") {
			t.Errorf("qpdf: %s", out)
		}
		text := run(t, "pdftotext", "-layout", file, "-")
		for _, line := range lines {
			if !strings.Contains(text, line) {
				t.Errorf("pdftotext lost %q: %q", line, text)
			}
		}
		fonts := run(t, "pdffonts", file)
		if !strings.Contains(fonts, "+LiberationSerif") || !strings.Contains(fonts, "yes yes yes") {
			t.Errorf("pdffonts: %s", fonts)
		}
	}
}
