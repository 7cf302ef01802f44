package validate_test

import (
	"testing"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/validate"
)

func TestASingleSignaturePasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := judge(t, w.sign(t, read(t, "to-trinh.pdf"), w.leader, signer.LevelB, pades.Options{Field: "chu_ky_lanh_dao"}), w.options(t))
	if r.Verdict != validate.VerdictPassed || len(r.Signatures) != 1 {
		t.Fatal(show(r))
	}
	s := r.Signatures[0]
	if s.Level != signer.LevelB || s.Coverage != validate.EntireFile || s.Modification != validate.None || s.Type != validate.Approval ||
		s.Signer != "Nguyễn Văn Ấn" || s.ClaimedTime == nil || s.BestTime != nil || !s.DocMDPOK || s.Field != "chu_ky_lanh_dao" {
		t.Error(show(r))
	}
}
