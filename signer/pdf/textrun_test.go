package pdf

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// withContent returns a one-page file that shows content.
func withContent(content string) *maker {
	m := small().info()
	m.objects[3] = "<</Type/Page/Parent 2 0 R/Contents[4 0 R 9 0 R]/Resources<</Font<</F1 5 0 R/F2 10 0 R>>/XObject<</X 12 0 R>>/ExtGState<</G<</Font[5 0 R 20]>>>>>>>>"
	stream := func(dict, s string) string {
		return fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", dict, len(s), s)
	}
	m.objects[4] = stream("", content)
	m.objects[9] = stream("", "BT /F1 10 Tf 1 0 0 1 300 300 Tm (end) Tj ET")
	m.objects[5] = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/FirstChar 32/Widths[250 500]/FontDescriptor<</MissingWidth 600>>" +
		"/Encoding<</BaseEncoding/WinAnsiEncoding/Differences[65/acircumflexacute/uni1EB0/Dcroat/quoteright 200/g7]>>>>"
	m.objects[10] = "<</Type/Font/Subtype/Type0/Encoding/Identity-H/DescendantFonts[11 0 R]/ToUnicode 13 0 R>>"
	m.objects[11] = "<</Type/Font/Subtype/CIDFontType2/DW 400/W[1[500 700] 5 9 300]>>"
	m.objects[12] = stream("/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Matrix[2 0 0 2 100 0]", "BT /F1 5 Tf 10 20 Td (in) Tj ET /X Do")
	m.objects[13] = stream("", "1 beginbfchar <0001> <1EC4> endbfchar 2 beginbfrange <0002> <0004> <0061> <0005> <0006> [<00660069> <D835DC00>] endbfrange")
	return m
}

func textOf(t *testing.T, m *maker) []TextRun {
	t.Helper()
	r := open(t, m.bytes())
	p, err := PageAt(r.Last(), 1)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := TextRuns(r.Last(), p)
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

func TestTextRunsArePlaced(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content string
		want    []TextRun
	}{
		"widths and spacing": {"BT /F1 10 Tf 1 Tc 2 Tw 72 700 Td (! x) Tj ET",
			[]TextRun{{"! x", 72, 700, (500+250+600)*0.01 + 3 + 2, 0, 10}}},
		"TJ": {"BT /F1 10 Tf 50 Tz 10 10 Td [(!)-300(!)100(!)] TJ (!) Tj ET",
			[]TextRun{{"! !!", 10, 10, (15 + 3 - 1) * .5, 0, 10}, {"!", 18.5, 10, 2.5, 0, 10}}},
		"matrices": {"q 2 0 0 2 5 5 cm BT /F1 10 Tf 0 1 -1 0 50 60 Tm (!) Tj ET Q",
			[]TextRun{{"!", 105, 125, 0, 10, 20}}},
		"lines": {"BT /F1 10 Tf 14 TL 10 100 Td (!) Tj T* (!) Tj (!) ' 0 -20 TD (!) Tj 3 1 (!) \" ET",
			[]TextRun{{"!", 10, 100, 5, 0, 10}, {"!", 10, 86, 5, 0, 10}, {"!", 10, 72, 5, 0, 10}, {"!", 10, 52, 5, 0, 10}, {"!", 10, 32, 6, 0, 10}}},
		"differences": {"BT /F1 10 Tf (ABCD\\310\\341) Tj ET", []TextRun{{"a\u0302\u0301ẰĐ’á", 0, 0, 36, 0, 10}}},
		"composite": {"BT /F2 10 Tf <0001000200030005000600630041> Tj ET",
			[]TextRun{{"Ễabfi\U0001D400", 0, 0, 5 + 7 + 4 + 3 + 3 + 4 + 4, 0, 10}}},
		"form": {"q 1 0 0 1 0 50 cm /X Do Q",
			[]TextRun{{"in", 120, 90, 12, 0, 10}}},
		"state": {"/G gs BT (!) Tj ET", []TextRun{{"!", 0, 0, 10, 0, 20}}},
		"inline image": {"BI /W 1/H 1/BPC 8/CS/G ID \x00(EI( EI BT /F1 10 Tf (!) Tj ET",
			[]TextRun{{"!", 0, 0, 5, 0, 10}}},
		"malformed": {"BT /F1 10 Tf ) } >> (!) Tj 1 Td [ 1 2 ET", []TextRun{{"!", 0, 0, 5, 0, 10}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := textOf(t, withContent(c.content))
			if n := len(got); n == 0 || got[n-1].Text != "end" || got[n-1].X != 300 {
				t.Fatalf("the second stream's text is missing: %+v", got)
			}
			got = got[:len(got)-1]
			if name == "form" {
				got = got[:1] // the form shows itself again until the limit
			}
			if len(got) != len(c.want) {
				t.Fatalf("got %+v", got)
			}
			for i, g := range got {
				w := c.want[i]
				if g.Text != w.Text || !near(g.X, w.X) || !near(g.Y, w.Y) || !near(g.DX, w.DX) || !near(g.DY, w.DY) || !near(g.FontSize, w.FontSize) {
					t.Errorf("got %+v\nwant %+v", g, w)
				}
			}
		})
	}
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-6 }

// realFiles returns the project's documents.
func realFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir("../../testdata/pdf", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".pdf") || strings.HasSuffix(path, "password.pdf") {
			return err
		}
		files[path], err = os.ReadFile(path)
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("no documents to test with: %v", err)
	}
	return files
}

func TestTextIsThatOfPdftotext(t *testing.T) {
	t.Parallel()
	for path, file := range realFiles(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			r := open(t, file)
			var mine strings.Builder
			for p, err := range Pages(r.Last()) {
				if err != nil {
					t.Fatal(err)
				}
				runs, err := TextRuns(r.Last(), p)
				if err != nil {
					t.Fatal(err)
				}
				for _, run := range runs {
					mine.WriteString(strings.ReplaceAll(run.Text, " ", ""))
				}
			}
			theirs, code := tool(t, "pdftotext", "-raw", path, "-")
			if code != 0 || len(strings.Fields(theirs)) == 0 {
				t.Fatalf("pdftotext: %s", theirs)
			}
			for _, word := range strings.Fields(theirs) {
				if !strings.Contains(mine.String(), word) {
					t.Errorf("%q is missing", word)
				}
			}
		})
	}
}

func TestRealFilesAreSignedWithoutHarm(t *testing.T) {
	t.Parallel()
	for path, file := range realFiles(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			judgeUpdate(t, file, true)
		})
	}
}

func TestBaseEncodingsHaveTheirLength(t *testing.T) {
	t.Parallel()
	for name, want := range map[Name]map[byte]string{
		"WinAnsiEncoding":  {0x80: "€", 0x9f: "Ÿ", 0xd0: "Ð", 0x41: "A"},
		"MacRomanEncoding": {0x80: "Ä", 0xff: "ˇ", 0xca: "\u00a0", 0xde: "ﬁ"},
		"StandardEncoding": {0xa1: "¡", 0xaf: "ﬂ", 0xd0: "—", 0xf5: "ı", 0xfb: "ß", 0x27: "’"},
	} {
		e := baseEncoding(name)
		for code, s := range want {
			if e[code] != s && !(code == 0xca && e[code] == " ") {
				t.Errorf("%s: code %#x is %q, want %q", name, code, e[code], s)
			}
		}
	}
}
