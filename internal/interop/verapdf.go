package interop

import "context"

// ProfileJob asks whether a file conforms to a profile: "1b", "2b", "3b" of PDF/A, "ua1" of PDF/UA.
type ProfileJob struct {
	File, Profile string
}

// ProfileReport is veraPDF's answer.
type ProfileReport struct {
	File       string
	Profile    string `json:"flavour"`
	Conforms   bool
	Assertions int               // that were checked
	Broken     map[string]string // by rule, as "ISO 19005-1:2005, 6.5.3-2": what is wrong and where first
}

// VeraPDF has veraPDF judge files, all in one JVM: one report for each job, in their order.
func (t *Tools) VeraPDF(ctx context.Context, jobs []ProfileJob) ([]ProfileReport, error) {
	command, err := t.java(ctx, "verapdf", "VeraPDF.java")
	if err != nil {
		return nil, err
	}
	lines := make([]string, len(jobs))
	for i, j := range jobs {
		lines[i] = j.Profile + "\t" + j.File
	}
	return ask[ProfileReport](ctx, command, lines)
}
