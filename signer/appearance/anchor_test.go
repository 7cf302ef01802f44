package appearance_test

import (
	"errors"
	"html"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/kyso-vn/kyso/signer/appearance"
	"golang.org/x/text/unicode/norm"
)

// centred is a run whose middle is at x.
func centred(text string, x, y float64) appearance.Run {
	w, _ := appearance.TextWidth(appearance.Upright, 13, norm.NFC.String(text))
	return appearance.Run{Text: text, X: x - w/2, Y: y, Width: w, FontSize: 13}
}

// lastPage is the end of a document: the recipients on the left, the
// signature block on the right.
func lastPage(block ...appearance.Run) []appearance.Run {
	return append([]appearance.Run{
		{Text: "Điều 3. Chánh Văn phòng, Giám đốc các sở chịu trách nhiệm thi hành ./.", X: 85, Y: 420, Width: 420, FontSize: 13},
		{Text: "Nơi nhận:", X: 85, Y: 380, Width: 60, FontSize: 12},
		{Text: "- Như Điều 3;", X: 85, Y: 365, Width: 70, FontSize: 11},
		{Text: "- Lưu: VT.", X: 85, Y: 350, Width: 55, FontSize: 11},
	}, block...)
}

func TestAnchorFindsTheRoomBetweenPostAndName(t *testing.T) {
	t.Parallel()
	nfd := norm.NFD.String
	tests := map[string]struct {
		block      []appearance.Run
		post, name string
		below      string // the line that the picture follows
	}{
		"on behalf of the committee": {
			[]appearance.Run{centred("TM. ỦY BAN NHÂN DÂN", 420, 380), centred("CHỦ TỊCH", 420, 364), centred("Nguyễn Văn An", 420, 270)},
			"", "Nguyễn Văn An", "CHỦ TỊCH"},
		"for the chairman": {
			[]appearance.Run{centred("TM. ỦY BAN NHÂN DÂN", 420, 396), centred("KT. CHỦ TỊCH", 420, 380), centred("PHÓ CHỦ TỊCH", 420, 364), centred("Trần Thị Hoà", 420, 270)},
			"", "Trần Thị Hòa", "PHÓ CHỦ TỊCH"},
		"by authorisation":          {[]appearance.Run{centred("TUQ. GIÁM ĐỐC", 420, 380), centred("Lê Văn Đức", 420, 280)}, "", "LÊ VĂN ĐỨC", "TUQ. GIÁM ĐỐC"},
		"by order":                  {[]appearance.Run{centred("TL. CHỦ TỊCH", 420, 380), centred("CHÁNH VĂN PHÒNG", 420, 364), centred("Lê Văn Đức", 420, 280)}, "", "Lê Văn Ðức", "CHÁNH VĂN PHÒNG"},
		"acting":                    {[]appearance.Run{centred("Q. GIÁM ĐỐC", 420, 380), centred("Lê Văn Đức", 420, 280)}, "", "Lê Văn Đức", "Q. GIÁM ĐỐC"},
		"the post alone":            {[]appearance.Run{centred("GIÁM ĐỐC", 420, 380), centred("Lê Văn Đức", 420, 280)}, "Giám đốc", "Lê Văn Đức", "GIÁM ĐỐC"},
		"decomposed on the page":    {[]appearance.Run{centred(nfd("GIÁM ĐỐC"), 420, 380), centred(nfd("Nguyễn Thị Thuỷ"), 420, 280)}, "GIÁM ĐỐC", "Nguyễn Thị Thủy", nfd("GIÁM ĐỐC")},
		"decomposed in the request": {[]appearance.Run{centred("GIÁM ĐỐC", 420, 380), centred("Nguyễn Thị Thuỷ", 420, 280)}, nfd("GIÁM ĐỐC"), nfd("Nguyễn Thị Thủy"), "GIÁM ĐỐC"},
		"behind titles":             {[]appearance.Run{centred("GIÁM ĐỐC", 420, 380), centred("PGS. TS. Lê Văn Đức", 420, 280)}, "GIÁM ĐỐC", "Lê Văn Đức", "GIÁM ĐỐC"},
		"with a remark between":     {[]appearance.Run{centred("GIÁM ĐỐC", 420, 380), centred("(Ký, ghi rõ họ tên)", 420, 364), centred("Lê Văn Đức", 420, 280)}, "GIÁM ĐỐC", "Lê Văn Đức", "GIÁM ĐỐC"},
		"cut into pieces": {
			[]appearance.Run{{Text: "GIÁM", X: 380, Y: 380, Width: 40, FontSize: 13}, {Text: "ĐỐC", X: 424, Y: 380.4, Width: 35, FontSize: 13},
				{Text: "Lê V", X: 385, Y: 280, Width: 25, FontSize: 13}, {Text: "ăn Đ", X: 410, Y: 280, Width: 26, FontSize: 13}, {Text: "ức", X: 436, Y: 280, Width: 13, FontSize: 13}},
			"GIÁM ĐỐC", "Lê Văn Đức", "GIÁM ĐỐC"},
	}
	for name, tt := range tests {
		got, err := appearance.FindAnchor(lastPage(tt.block...), tt.post, tt.name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		r := got.Room
		if got.Post != tt.below || math.Abs((r[0]+r[2])/2-420) > 2 {
			t.Errorf("%s: below %q, centred on %.1f", name, got.Post, (r[0]+r[2])/2)
		}
		if r[1] < 280 && r[1] < 270+11 || r[3] > 380-2 || r.Height() < 60 {
			t.Errorf("%s: room %v", name, r)
		}
	}
}

func TestAnchorTakesTheLowestOfSeveral(t *testing.T) {
	t.Parallel()
	runs := append(lastPage(centred("GIÁM ĐỐC", 420, 380), centred("Lê Văn Đức", 420, 280)),
		centred("GIÁM ĐỐC", 200, 200), centred("Lê Văn Đức", 200, 100))
	got, err := appearance.FindAnchor(runs, "GIÁM ĐỐC", "Lê Văn Đức")
	if err != nil || got.Room[3] > 200 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestAnchorSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		block      []appearance.Run
		post, name string
		want       appearance.AnchorPart
	}{
		"another name":        {[]appearance.Run{centred("GIÁM ĐỐC", 420, 380), centred("Lê Văn Đực", 420, 280)}, "GIÁM ĐỐC", "Lê Văn Đức", appearance.AnchorName},
		"a longer name":       {[]appearance.Run{centred("GIÁM ĐỐC", 420, 380), centred("Trần Lê Văn Đức", 420, 280)}, "GIÁM ĐỐC", "Lê Văn Đức", appearance.AnchorName},
		"no name asked for":   {nil, "GIÁM ĐỐC", " ", appearance.AnchorName},
		"another post":        {[]appearance.Run{centred("CHỦ TỊCH", 420, 380), centred("Lê Văn Đức", 420, 280)}, "GIÁM ĐỐC", "Lê Văn Đức", appearance.AnchorPost},
		"post in small":       {[]appearance.Run{centred("Giám đốc", 420, 380), centred("Lê Văn Đức", 420, 280)}, "GIÁM ĐỐC", "Lê Văn Đức", appearance.AnchorPost},
		"in the other column": {[]appearance.Run{centred("GIÁM ĐỐC", 420, 380), centred("Lê Văn Đức", 120, 280)}, "GIÁM ĐỐC", "Lê Văn Đức", appearance.AnchorPost},
		"text in between":     {[]appearance.Run{centred("GIÁM ĐỐC", 420, 380), centred("đã ký thay", 420, 330), centred("Lê Văn Đức", 420, 280)}, "GIÁM ĐỐC", "Lê Văn Đức", appearance.AnchorPost},
		"too far up":          {[]appearance.Run{centred("GIÁM ĐỐC", 420, 600), centred("Lê Văn Đức", 420, 280)}, "GIÁM ĐỐC", "Lê Văn Đức", appearance.AnchorPost},
		"no room":             {[]appearance.Run{centred("GIÁM ĐỐC", 420, 300), centred("Lê Văn Đức", 420, 280)}, "GIÁM ĐỐC", "Lê Văn Đức", appearance.AnchorRoom},
	}
	for name, tt := range tests {
		_, err := appearance.FindAnchor(lastPage(tt.block...), tt.post, tt.name)
		var typed *appearance.AnchorError
		if !errors.As(err, &typed) || typed.Missing != tt.want {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

func TestInitialGoesBesideTheEndMark(t *testing.T) {
	t.Parallel()
	r, err := appearance.FindEnd(lastPage(), 57, 34)
	if err != nil || r[0] < 505 || r[0] > 515 || math.Abs((r[1]+r[3])/2-424) > 2 || r.Width() != 57 {
		t.Errorf("%v, %v", r, err)
	}
	var typed *appearance.AnchorError
	if _, err := appearance.FindEnd(lastPage()[1:], 57, 34); !errors.As(err, &typed) || typed.Missing != appearance.AnchorEnd {
		t.Error(err)
	}
}

// words reads a page's words as poppler sees them, for runs of a real PDF.
// Height is that of the page's view.
func words(t *testing.T, file string, page int, height float64) []appearance.Run {
	t.Helper()
	n := strconv.Itoa(page)
	out := run(t, "pdftotext", "-bbox", "-cropbox", "-f", n, "-l", n, file, "-")
	var runs []appearance.Run
	for _, m := range regexp.MustCompile(`<word xMin="([0-9.]+)" yMin="([0-9.]+)" xMax="([0-9.]+)" yMax="([0-9.]+)">(.*)</word>`).FindAllStringSubmatch(out, -1) {
		var v [4]float64
		for i := range v {
			var err error
			if v[i], err = strconv.ParseFloat(m[i+1], 64); err != nil {
				t.Fatal(err)
			}
		}
		size := (v[3] - v[1]) / 1.107 // the boxes are as high as ascent and descent
		runs = append(runs, appearance.Run{Text: html.UnescapeString(m[5]), X: v[0], Y: height - v[3] + 0.216*size, Width: v[2] - v[0], FontSize: size})
	}
	if len(runs) == 0 {
		t.Fatal("page without words")
	}
	return runs
}

func TestAnchorInDocumentsOfManyProducers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file             string
		page             int
		name, post, line string
	}{
		{"quyet-dinh.pdf", 1, "Trần Quốc Vượng", "", "PHÓ CHỦ TỊCH"},
		{"cong-van.pdf", 3, "Đặng Hoàng Ngọc Ưu", "", "PHÓ GIÁM ĐỐC"},
		{"to-trinh.pdf", 1, "Nguyễn Thị Ánh Tuyết", "", "PHÓ CHỦ TỊCH"},
		{"producers/chromium.pdf", 1, "NGUYỄN THỊ ÁNH TUYẾT", "PHÓ CHỦ TỊCH", "PHÓ CHỦ TỊCH"},
		{"producers/cairo.pdf", 1, "Nguyễn Thị Ánh Tuyết", "Phó Chủ tịch", "PHÓ CHỦ TỊCH"},
		{"producers/ghostscript.pdf", 1, "Nguyễn Thị Ánh Tuyết", "", "PHÓ CHỦ TỊCH"},
		{"producers/pdftex.pdf", 1, "Nguyễn Thị Ánh Tuyết", "", "PHÓ CHỦ TỊCH"},
	} {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			runs := words(t, filepath.Join("..", "..", "testdata", "pdf", tt.file), tt.page, 841.89)
			got, err := appearance.FindAnchor(runs, tt.post, tt.name)
			if err != nil {
				t.Fatal(err)
			}
			if r := got.Room; got.Post != tt.line || r[0] < 250 || r[2] > 595 || r.Height() < 40 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestAnchorOnATurnedPage(t *testing.T) {
	t.Parallel()
	page := appearance.Page{MediaBox: appearance.Rect{0, 0, 842, 595}, Rotate: 90}
	file := onePage(t, page, "", document(t, page, appearance.Plain)[:6]...)
	w, h := page.View()
	got, err := appearance.FindAnchor(words(t, file, 1, h), "", "Nguyễn Văn An")
	if err != nil {
		t.Fatal(err)
	}
	if want := w - 157.5; got.Post != "CHỦ TỊCH" || math.Abs((got.Room[0]+got.Room[2])/2-want) > 2 ||
		got.Room[1] < 134 || got.Room[1] > 145 || got.Room[3] < 225 || got.Room[3] > 236 {
		t.Errorf("%+v, want it centred on %v", got, want)
	}
}
