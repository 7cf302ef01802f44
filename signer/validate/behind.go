package validate

// strayBytes returns the offset behind the last byte that belongs to no revision: nothing
// but white space may follow the file's last end-of-file marker. 0 when there is none.
func (v *verifier) strayBytes() (int64, error) {
	revisions := v.r.Revisions()
	end := revisions[len(revisions)-1].EOF
	if end < 0 || blank(v.src, end, v.size) {
		return 0, nil
	}
	return v.size, nil
}
