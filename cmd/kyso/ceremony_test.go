package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestACeremonyThatCouldNotEndDoesNotBegin(t *testing.T) {
	t.Parallel()
	const good = `out: ca
root: {name: root, subject: [{type: CN, value: R}]}
issuing:
  - {name: citizen, serves: [citizen], subject: [{type: CN, value: C}]}
tsa: {issuer: citizen, subject: [{type: CN, value: T}]}
`
	path := filepath.Join(t.TempDir(), "ceremony.yaml")
	read := func(text string) error {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := readCeremony(path)
		return err
	}
	if err := read(good); err != nil {
		t.Fatal(err)
	}
	for old, replacement := range map[string]string{
		"name: citizen": "name: ../citizen", "name: root": "name: tsa", "{name: citizen": "{name: root", "serves: [citizen]": "serves: [dog]",
		"issuer: citizen": "issuer: nobody", "{name: citizen,": "{name: ocsp-root,", ", subject: [{type: CN, value: R}]": "",
	} {
		if err := read(strings.Replace(good, old, replacement, 1)); err == nil {
			t.Errorf("%q in place of %q was taken", replacement, old)
		}
	}
}

func TestATranscriptIsWrittenAsThingsAreMadeAndNeverOver(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := &celebrant{file: ceremonyFile{Out: filepath.Join(t.TempDir(), "ca")}, out: &out}
	if err := c.openTranscript(); err != nil {
		t.Fatal(err)
	}
	defer c.log.Close()
	if err := c.transcribe(transcriptLine{Name: "root"}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(c.file.Out, "transcript.jsonl"))
	if err != nil || !bytes.Contains(b, []byte(`"name":"root"`)) || !bytes.Equal(b, out.Bytes()) {
		t.Fatalf("%s %v", b, err)
	}
	if err := (&celebrant{file: c.file}).openTranscript(); err == nil {
		t.Fatal("a second ceremony writes over the first one's transcript")
	}
}
