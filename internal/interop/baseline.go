package interop

import (
	"context"
	"maps"
	"slices"
)

// Trust is what signatures are judged by: a PEM file of anchors, and files of CRLs by the addresses that stand in
// certificates.
type Trust struct {
	Anchors string
	CRLs    map[string]string
}

// Job asks about a file of a certain PAdES level: "B-B", "B-T", "B-LT" or "B-LTA". A file of B-LT or above must bring
// its evidence itself; for the others the CRLs are used.
type Job struct {
	File, Level string
}

// embedded says that a file of this level needs no evidence from outside.
func (j Job) embedded() bool { return j.Level == "B-LT" || j.Level == "B-LTA" }

// DSSReport is what EU DSS says of one signature by its built-in policy.
type DSSReport struct {
	File, Field, Signer string
	Format              string   // PAdES_BASELINE_LT and the like
	Indication          string   // TOTAL_PASSED, INDETERMINATE or TOTAL_FAILED (EN 319 102-1)
	SubIndication       string   `json:"sub_indication"`
	Timestamps          []string // the indication of each, document time-stamps too
	Errors, Warnings    []string
}

// DSS has EU DSS judge files, all in one JVM and without the network: a report for each signature, in the order of
// jobs and, in a file, of DSS. A file that it can't read or that has no signature gives one report, with an error.
func (t *Tools) DSS(ctx context.Context, trust Trust, jobs []Job) ([]DSSReport, error) {
	command, err := t.java(ctx, "dss", "DSS.java")
	if err != nil {
		return nil, err
	}
	lines := make([]string, len(jobs))
	for i, j := range jobs {
		mode := "crls"
		if j.embedded() {
			mode = "embedded"
		}
		lines[i] = mode + "\t" + j.File
	}
	command = append(command, trust.Anchors)
	for address, file := range trust.CRLs {
		command = append(command, address, file)
	}
	return ask[DSSReport](ctx, command, lines)
}

// PyHankoReport is what pyHanko says of one signature.
type PyHankoReport struct {
	File, Field, Signer    string
	Intact, Valid, Trusted bool
	Timestamps             []bool // whether each is right: the signature's, then later document time-stamps
	Coverage               string // ENTIRE_FILE, ENTIRE_REVISION and the like
	Modification           string // NONE, LTA_UPDATES, FORM_FILLING, ANNOTATIONS or OTHER
	DocMDPOk               bool   `json:"docmdp_ok"`
	Passed                 bool   // its verdict on all that
	// Errors name what it objects to. It validates B-LTA signatures with a signature time-stamp by EN 319 102-1 too,
	// now and as if seven years had gone by.
	Errors []string
}

// PyHanko has pyHanko judge files, as DSS does.
func (t *Tools) PyHanko(ctx context.Context, trust Trust, jobs []Job) ([]PyHankoReport, error) {
	command, err := t.python(ctx, "pyhanko", "judge.py")
	if err != nil {
		return nil, err
	}
	lines := make([]string, len(jobs))
	for i, j := range jobs {
		lines[i] = j.Level + "\t" + j.File
	}
	return ask[PyHankoReport](ctx, slices.AppendSeq(append(command, trust.Anchors), maps.Values(trust.CRLs)), lines)
}
