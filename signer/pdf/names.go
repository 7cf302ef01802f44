package pdf

// commonNames are names that most files are full of. They are kept once, as strings and as
// objects.
var commonNames = func() map[string]Object {
	m := make(map[string]Object)
	for _, n := range []Name{
		"AP", "AcroForm", "Annot", "Annots", "Ascent", "BBox", "BM", "BaseFont", "BitsPerComponent", "Border", "C", "CIDFontType2",
		"CIDSystemInfo", "CIDToGIDMap", "CS", "CapHeight", "Catalog", "ColorSpace", "ColorTransform", "Colors", "Columns", "Contents",
		"Count", "CreationDate", "Creator", "CropBox", "D", "DA", "DR", "DW", "DecodeParms", "DescendantFonts", "Descent", "Dest",
		"DeviceCMYK", "DeviceGray", "DeviceRGB", "Differences", "E", "Encoding", "ExtGState", "F", "FT", "Fields", "Filter", "First",
		"FirstChar", "FitH", "Flags", "FlateDecode", "Font", "FontBBox", "FontDescriptor", "FontFile2", "FontFile3", "FontName",
		"FontWeight", "Form", "Group", "H", "Height", "I", "ICCBased", "ID", "Identity-H", "Image", "ImageC", "Im0", "Index", "Info",
		"ItalicAngle", "K", "Kids", "L", "LW", "Lang", "Last", "LastChar", "Length", "Length1", "Limits", "Link", "Linearized", "MCID",
		"MK", "MarkInfo", "Marked", "Mask", "Matrix", "MaxWidth", "MediaBox", "Metadata", "MissingWidth", "ModDate", "N", "Names",
		"NeedAppearances", "Next", "Normal", "Nums", "O", "ObjStm", "Off", "Ordering", "Outlines", "OutputIntents", "P", "PDF", "Page",
		"PageMode", "Pages", "Parent", "ParentTree", "Pg", "Predictor", "Prev", "ProcSet", "Producer", "Q", "R", "Rect", "Registry",
		"Resources", "Root", "Rotate", "S", "SMask", "Sig", "Size", "Span", "StandardEncoding", "StemV", "StructElem", "StructParent",
		"StructParents", "StructTreeRoot", "Subtype", "Supplement", "T", "TU", "Tabs", "Text", "Title", "ToUnicode", "Transparency",
		"TrueType", "Tx", "Type", "Type0", "Type1", "Type1C", "URI", "V", "ViewerPreferences", "W", "Widget", "Width", "Widths",
		"WinAnsiEncoding", "XObject", "XRef", "XYZ", "a", "ca", "CA",
	} {
		m[string(n)] = n
	}
	return m
}()

// nameOf is Name(b).
func nameOf(b []byte) Name {
	if o, ok := commonNames[string(b)]; ok {
		return o.(Name)
	}
	return Name(b)
}

// nameObject is Name(b) as an Object.
func nameObject(b []byte) Object {
	if o, ok := commonNames[string(b)]; ok {
		return o
	}
	return Name(b)
}
