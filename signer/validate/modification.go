package validate

// checkModifications compares what each signature signed with the document as it is now.
func (v *verifier) checkModifications() error {
	if err := v.checkCertification(); err != nil {
		return err
	}
	for _, c := range v.found {
		if c.revision < 0 {
			continue
		}
		if c.revision < len(v.r.Revisions())-1 {
			c.sig.Modification = Other
			c.sig.judge(Failed, HashFailure, "modified")
		}
	}
	return nil
}
