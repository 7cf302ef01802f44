package validate_test

import (
	"bytes"
	"testing"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/validate"
)

// contentsOf returns where the hex digits of the last signature that are not padding stand.
func contentsOf(t testing.TB, file []byte) (from, to int) {
	t.Helper()
	from = bytes.LastIndex(file, []byte("/Contents <")) + len("/Contents <")
	to = from + bytes.IndexByte(file[from:], '>')
	for to > from && file[to-1] == '0' {
		to--
	}
	if to-from < 1000 {
		t.Fatal("no signature found")
	}
	return from, to
}

// TestNoFlippedBytePasses flips every digit of the signature and every k-th byte elsewhere.
func TestNoFlippedBytePasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(t)
	file := w.sign(t, read(t, "to-trinh.pdf"), w.leader, signer.LevelB, pades.Options{Field: "chu_ky_lanh_dao"})
	from, to := contentsOf(t, file)
	var places []int
	for i := 0; i < len(file); i += 41 {
		places = append(places, i)
	}
	for i := from - 2; i < to+2; i += 3 {
		places = append(places, i)
	}
	tried := 0
	for _, i := range places {
		for _, bit := range []byte{1, 0x80} {
			mutant := bytes.Clone(file)
			mutant[i] ^= bit
			if r := judge(t, mutant, o); r.Verdict == validate.VerdictPassed {
				t.Errorf("byte %d of %d (Contents %d to %d), %q to %q, passes", i, len(file), from, to, file[i], mutant[i])
			}
			tried++
		}
	}
	if tried < 2000 {
		t.Errorf("only %d mutants", tried)
	}
}

func TestNoTruncationPasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(t)
	_, initialled, signed, sealed := w.workflow(t)
	whole := map[int]bool{len(initialled): true, len(signed): true}
	for n := 0; n < len(sealed)-2; n += 311 {
		if whole[n] {
			continue
		}
		r := judge(t, sealed[:n], o)
		if r.Verdict == validate.VerdictPassed && n > len(initialled) {
			t.Errorf("the first %d of %d bytes pass: %s", n, len(sealed), show(r))
		}
	}
	for _, cut := range []int{1, 5, 6, 7, 20, 100} {
		if r := judge(t, sealed[:len(sealed)-cut], o); r.Verdict == validate.VerdictPassed {
			t.Errorf("without its last %d bytes the file passes", cut)
		}
	}
}

func TestNothingMayBeAppended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(t)
	_, _, _, sealed := w.workflow(t)
	for _, junk := range []string{"x", "\n% comment\n", "\n%%EOF\n", "\nstartxref\n0\n%%EOF\n", "\n5 0 obj\n<<>>\nendobj\n", "\x00\x00junk"} {
		if r := judge(t, append(bytes.Clone(sealed), junk...), o); r.Verdict == validate.VerdictPassed {
			t.Errorf("%q behind the end passes", junk)
		}
	}
	if r := judge(t, append(bytes.Clone(sealed), "\r\n\x00\n"...), o); r.Verdict != validate.VerdictPassed {
		t.Errorf("white space behind the end: %s", show(r))
	}
}
