//go:build interop

package interop

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What is wrong with a file is seen by all judges, so that their word counts when they pass one; and kyso pdf verify
// gives the reason that EU DSS gives.
func TestNoJudgePassesAWrongFileAndOursAgrees(t *testing.T) {
	t.Parallel()
	tools, a, stranger := newTools(t), newAuthority(t), newAuthority(t)
	kyso, err := kysoBinary()
	must(t, err)
	dir := t.TempDir()
	who, thief := a.certify(t, "officer", "P-256"), a.certify(t, "officer", "P-256")
	sign := func(by *authority, who holder, name, level string) string {
		out := filepath.Join(dir, name+".pdf")
		by.sign(t, kyso, algorithms[2], who, level, 0, documents+"/to-trinh.pdf", out)
		return out
	}
	stamped, bare, stolen := sign(a, who, "stamped", "B-T"), sign(a, who, "bare", "B-B"), sign(a, thief, "stolen", "B-B")
	a.revoke(t, thief, time.Now().Add(-30*time.Minute))

	const passed, failed, indeterminate = "TOTAL_PASSED", "TOTAL_FAILED", "INDETERMINATE"
	// The last is B-B, and so without a time-stamp: with the CRL shard of a TSA certificate of the same issuer at hand too,
	// DSS 6.4 takes either for the signer's and may pass it.
	cases := []struct {
		name        string
		job         Job
		dss, ours   string // indication and sub-indication
		hankoPasses bool
	}{
		{"as it was signed", Job{stamped, "B-T"}, passed, passed, true},
		{"a changed page", Job{mutate(t, stamped, "page", func(data []byte) []byte {
			data[bytes.Index(data, []byte("/MediaBox"))+20] ^= 1
			return data
		}), "B-T"}, failed + " HASH_FAILURE", failed + " HASH_FAILURE", false},
		{"a changed signature value", Job{mutate(t, bare, "value", changeValue(t, bare)), "B-B"}, failed + " SIG_CRYPTO_FAILURE", failed + " SIG_CRYPTO_FAILURE", false},
		{"bytes that are no update behind it", Job{mutate(t, stamped, "behind", func(data []byte) []byte {
			return append(data, "% more\n"...)
		}), "B-T"}, passed, failed + " FORMAT_FAILURE", true}, // only ours looks
		{"a stranger's root", Job{sign(stranger, stranger.certify(t, "officer", "P-256"), "stranger", "B-LTA"), "B-LTA"},
			indeterminate + " NO_CERTIFICATE_CHAIN_FOUND", indeterminate + " NO_CERTIFICATE_CHAIN_FOUND", false},
		{"no evidence in the file", Job{bare, "B-LT"}, // ours says TRY_LATER, since the evidence may come
			indeterminate + " CERTIFICATE_CHAIN_GENERAL_FAILURE", indeterminate + " TRY_LATER", false},
		{"a key revoked before", Job{stolen, "B-B"}, indeterminate + " REVOKED_NO_POE", indeterminate + " REVOKED_NO_POE", false},
	}
	trust := a.trust(t)
	jobs := make([]Job, len(cases))
	for i, c := range cases {
		jobs[i] = c.job
	}
	allDSS, allHanko, allOurs := judgeAll(t, tools, trust, jobs)
	for _, c := range cases {
		dss := slices.DeleteFunc(slices.Clone(allDSS), func(r DSSReport) bool { return r.File != c.job.File })
		hanko := slices.DeleteFunc(slices.Clone(allHanko), func(r PyHankoReport) bool { return r.File != c.job.File })
		ours := slices.DeleteFunc(slices.Clone(allOurs), func(v verified) bool { return v.File != c.job.File })
		if len(dss) != 1 || len(hanko) != 1 || len(ours) != 1 || len(ours[0].Signatures) == 0 {
			t.Fatalf("%s: %+v\n%+v\n%+v", c.name, dss, hanko, ours)
		}
		mine := ours[0].Signatures[0]
		t.Logf("%s: EU DSS %s %s, kyso %s %s, pyHanko passes: %t", c.name, dss[0].Indication, dss[0].SubIndication,
			mine.Indication, mine.SubIndication, hanko[0].Passed)
		if got := strings.TrimSpace(dss[0].Indication + " " + dss[0].SubIndication); got != c.dss {
			t.Errorf("%s: EU DSS says %s, want %s: %+v", c.name, got, c.dss, dss[0])
		}
		if got := strings.TrimSpace(mine.Indication + " " + mine.SubIndication); got != c.ours || ours[0].Verdict != mine.Indication {
			t.Errorf("%s: kyso says %s, want %s: %+v", c.name, got, c.ours, ours[0])
		}
		if hanko[0].Passed != c.hankoPasses {
			t.Errorf("%s: pyHanko says %+v", c.name, hanko[0])
		}
	}
}

// mutate writes a copy of a file with something changed.
func mutate(t *testing.T, file, name string, change func([]byte) []byte) string {
	t.Helper()
	data, err := os.ReadFile(file)
	must(t, err)
	out := strings.TrimSuffix(file, ".pdf") + "-" + name + ".pdf"
	write(t, out, change(slices.Clone(data)))
	return out
}

// changeValue changes the last byte of the CMS of a B-B signature, which is the signature value's.
func changeValue(t *testing.T, file string) func([]byte) []byte {
	t.Helper()
	found, err := ExtractCMS(file)
	must(t, err)
	return func(data []byte) []byte {
		last := found[0].ByteRange[1] + 2*int64(len(found[0].CMS)) // of '<' and the digits
		data[last] = "123456789abcdef0"[bytes.IndexByte([]byte("0123456789abcdef"), bytes.ToLower(data[last : last+1])[0])]
		return data
	}
}
