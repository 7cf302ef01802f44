package validate_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/validate"
)

func TestOnlyPathsToAnAnchorAreFetchedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := w.sign(t, read(t, "to-trinh.pdf"), w.leader, signer.LevelB, pades.Options{})
	asked := func() int { return w.Asked.Of("/ocsp") + w.Asked.Of("/ca.crl") + w.Asked.Of("/root.crl") }
	o := validate.Options{Fetcher: &path.HTTPFetcher{Client: http.DefaultClient}}
	before := asked()
	if r := judge(t, file, o); r.Verdict != validate.VerdictIndeterminate || asked() != before {
		t.Errorf("fetched %d times for nobody's certificate: %s", asked()-before, show(r))
	}
	broken := append([]byte(nil), file...)
	broken[5000] ^= 1
	o.Anchors = w.options(t).Anchors
	if r := judge(t, broken, o); r.Verdict == validate.VerdictPassed || asked() != before {
		t.Errorf("fetched %d times for a broken signature: %s", asked()-before, show(r))
	}
	if r := judge(t, file, o); r.Verdict != validate.VerdictPassed || asked() == before {
		t.Errorf("fetched %d times: %s", asked()-before, show(r))
	}
}

func TestASilentResponderLeavesTimeForTheReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := w.sign(t, read(t, "to-trinh.pdf"), w.leader, signer.LevelB, pades.Options{})
	o := validate.Options{Anchors: w.options(t).Anchors, Fetcher: silent{}, Timeout: time.Second}
	expect(t, judge(t, file, o), validate.VerdictIndeterminate, "revocation_unknown")
}
