package validate_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/pdf"
	"github.com/kyso-vn/kyso/signer/validate"
)

// shadow is a small document with everything a shadow attack hides: a page that shows one of
// two texts, an overlay, and a spare object that nothing refers to.
func shadow(t testing.TB) []byte {
	t.Helper()
	objects := []string{
		1: "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[]/SigFlags 0>>>>",
		2: "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		3: "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents[4 0 R 9 0 R]/Resources<</Font<</F 5 0 R>>/XObject<</Cover 6 0 R>>>>>>",
		4: stm("", "BT /F 12 Tf 20 200 Td (Pay 100) Tj ET /Cover Do"),
		5: "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
		6: stm("/Type/XObject/Subtype/Form/BBox[0 0 300 300]", "1 g 20 100 200 20 re f"),
		7: stm("", "BT /F 12 Tf 20 200 Td (Pay 100000) Tj ET"),
		8: "<</Type/Font/Subtype/Type1/BaseFont/Courier>>",
		9: "null",
	}
	delete := 9 // object 9 is referred to but does not exist
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	offsets := make([]int, len(objects))
	for i := 1; i < len(objects); i++ {
		if i == delete {
			continue
		}
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i, objects[i])
	}
	at := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", delete)
	for i := 1; i < delete; i++ {
		fmt.Fprintf(&b, "%010d 00000 n \n", offsets[i])
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", delete, at)
	return b.Bytes()
}

func stm(dict, data string) string {
	return fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", dict, len(data), data)
}

// section appends objects and a cross-reference table written by hand. An entry is "n" and
// an offset, "f", or "+" for the object of that number in body.
func section(t testing.TB, file []byte, body map[int]string, entries map[int]string, trailer string) []byte {
	t.Helper()
	out := bytes.Clone(file)
	prev := lastStartxref(t, file)
	offsets := map[int]int{}
	for num, o := range body {
		offsets[num] = len(out)
		out = append(out, fmt.Sprintf("%d 0 obj\n%s\nendobj\n", num, o)...)
	}
	at := len(out)
	out = append(out, "xref\n"...)
	for num, e := range entries {
		switch {
		case e == "+":
			e = fmt.Sprintf("%010d 00000 n ", offsets[num])
		case e == "f":
			e = "0000000000 00001 f "
		default:
			e = fmt.Sprintf("%010s 00000 n ", e)
			e = strings.ReplaceAll(e[:10], " ", "0") + e[10:]
		}
		out = append(out, fmt.Sprintf("%d 1\n%s\n", num, e)...)
	}
	if trailer == "" {
		trailer = "/Root 1 0 R"
	}
	return append(out, fmt.Sprintf("trailer\n<</Size 60/Prev %d%s>>\nstartxref\n%d\n%%%%EOF\n", prev, trailer, at)...)
}

func lastStartxref(t testing.TB, file []byte) int {
	t.Helper()
	var n int
	i := bytes.LastIndex(file, []byte("startxref"))
	if _, err := fmt.Sscanf(string(file[i:]), "startxref\n%d", &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// offsetOf finds an object of the original.
func offsetOf(t testing.TB, file []byte, header string) string {
	t.Helper()
	i := bytes.Index(file, []byte(header))
	if i < 0 {
		t.Fatal(header)
	}
	return fmt.Sprint(i)
}

func TestShadowsAreSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(t)
	file := w.sign(t, shadow(t), w.leader, signer.LevelB, pades.Options{})
	if r := judge(t, file, o); r.Verdict != validate.VerdictPassed {
		t.Fatal(show(r))
	}
	type m = map[int]string
	at := func(header string) string { return offsetOf(t, file, header) }
	text := stm("", "BT /F 12 Tf 20 200 Td (Pay 999) Tj ET")
	for name, mutant := range map[string][]byte{
		"cover freed":               section(t, file, nil, m{6: "f"}, ""),
		"cover emptied":             section(t, file, m{6: stm("/Type/XObject/Subtype/Form/BBox[0 0 1 1]", " ")}, m{6: "+"}, ""),
		"text replaced":             section(t, file, m{4: text}, m{4: "+"}, ""),
		"spare font":                section(t, file, m{5: "<</Type/Font/Subtype/Type1/BaseFont/Courier>>"}, m{5: "+"}, ""),
		"missing object made":       section(t, file, m{9: text}, m{9: "+"}, ""),
		"page tree replaced":        section(t, file, m{2: "<</Type/Pages/Kids[20 0 R]/Count 1>>", 20: "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"}, m{2: "+", 20: "+"}, ""),
		"page added":                section(t, file, m{2: "<</Type/Pages/Kids[3 0 R 20 0 R]/Count 2>>", 20: "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"}, m{2: "+", 20: "+"}, ""),
		"another root":              section(t, file, m{20: "<</Type/Catalog/Pages 2 0 R>>"}, m{20: "+"}, "/Root 20 0 R"),
		"page freed":                section(t, file, nil, m{3: "f"}, ""),
		"encryption switched on":    section(t, file, nil, m{0: "f"}, "/Root 1 0 R/Encrypt<</Filter/Standard/V 1/R 2>>"),
		"title added":               section(t, file, m{20: "<</Title(x)>>"}, m{20: "+"}, "/Root 1 0 R/Info 20 0 R"),
		"form fonts":                section(t, file, m{1: "<</Type/Catalog/Pages 2 0 R>>"}, m{1: "+"}, ""),
		"an object not in the xref": section(t, file, m{21: "(spare)", 4: text}, m{21: "+"}, ""),
		"objects without any xref":  append(bytes.Clone(file), "4 0 obj\n"+text+"\nendobj\n"...),
		"spare text":                section(t, file, nil, m{4: at("7 0 obj")}, ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := judge(t, mutant, o); r.Verdict == validate.VerdictPassed || r.Verdict == validate.VerdictIndeterminate || r.Verdict == validate.VerdictNoSignature {
				t.Error(show(r))
			}
		})
	}
}

// TestARevisionThatReadsBehindItsEndFails signs a document whose cross-reference already
// leads to where the attacker will write.
func TestARevisionThatReadsBehindItsEndFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := shadow(t)
	// The entry of object 9 leads far behind; nothing is there when it is signed.
	planted := section(t, in, nil, map[int]string{9: "60000"}, "")
	file := w.sign(t, planted, w.leader, signer.LevelB, pades.Options{Active: pades.ActiveUnchecked})
	body := stm("", "BT /F 12 Tf 20 200 Td (Pay 999) Tj ET")
	pad := strings.Repeat("%"+strings.Repeat("x", 98)+"\n", 600)
	attack := append(bytes.Clone(file), pad[:60000-len(file)-1]...)
	attack = append(attack, '\n')
	attack = append(attack, fmt.Sprintf("9 0 obj\n%s\nendobj\n", body)...)
	attack = append(attack, fmt.Sprintf("xref\n0 0\ntrailer\n<</Size 60/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n", lastStartxref(t, file), len(attack))...)
	expect(t, judge(t, attack, w.options(t)), validate.VerdictFailed, "coverage_reads_behind")
}

// TestSameContentWrittenAnewPasses rewrites objects byte-different but equal.
func TestSameContentWrittenAnewPasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(t)
	file := w.sign(t, shadow(t), w.leader, signer.LevelB, pades.Options{})
	type m = map[int]string
	same := section(t, file, m{5: "<< /BaseFont /Helvetic#61 /Subtype /Type1\n/Type /Font >>", 4: stm("  ", "BT /F 12 Tf 20 200 Td (Pay 100) Tj ET /Cover Do")}, m{4: "+", 5: "+"}, "")
	r := judge(t, same, o)
	if r.Verdict != validate.VerdictPassed || r.Signatures[0].Modification != validate.None {
		t.Error(show(r))
	}
	packed := update(t, file, func(u *pdf.Update) error {
		return u.PutStream(pdf.Ref{Num: 4}, pdf.Map{}, []byte("BT /F 12 Tf 20 200 Td (Pay 100) Tj ET /Cover Do"))
	})
	if r := judge(t, packed, o); r.Verdict != validate.VerdictPassed {
		t.Error(show(r))
	}
}
