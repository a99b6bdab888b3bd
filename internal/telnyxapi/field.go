package telnyxapi

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// field is a field of an update: whether it was given, and as what. null is given, and
// is the zero value.
type field[T any] struct {
	set   bool
	null  bool
	value T
}

// UnmarshalJSONFrom reads the value and notes that there was one.
func (f *field[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	f.set = true
	if f.null = d.PeekKind() == 'n'; f.null {
		return d.SkipValue()
	}
	return json.UnmarshalDecode(d, &f.value)
}

// to sets what the field is about, if it was given.
func (f field[T]) to(place *T) {
	if f.set {
		*place = f.value
	}
}
