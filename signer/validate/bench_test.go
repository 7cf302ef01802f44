package validate_test

import (
	"bytes"
	"testing"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/validate"
)

func BenchmarkFile(b *testing.B) {
	w := newWorld(b)
	in := read(b, "to-trinh.pdf")
	_, _, _, sealed := w.workflow(b)
	for name, file := range map[string][]byte{
		"B-B":    w.sign(b, in, w.leader, signer.LevelB, pades.Options{Field: "chu_ky_lanh_dao"}),
		"B-LTA":  w.sign(b, in, w.leader, signer.LevelLTA, pades.Options{Field: "chu_ky_lanh_dao"}),
		"sealed": sealed,
	} {
		b.Run(name, func(b *testing.B) {
			o := w.options(b)
			b.ReportAllocs()
			for b.Loop() {
				r, err := validate.File(b.Context(), bytes.NewReader(file), int64(len(file)), o)
				if err != nil || r.Verdict != validate.VerdictPassed {
					b.Fatal(err, show(r))
				}
			}
		})
	}
}
