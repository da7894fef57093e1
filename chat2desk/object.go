package chat2desk

import "encoding/json"

// object is a JSON object: its members in the order written. Records have few, so
// one is found sooner by looking through them than by a map.
type object []member

type member struct {
	name  string
	value any // nil, bool, string, json.Number, []any or object
}

// get gives the value of a member, nil where it is absent. Of a name that comes twice
// the last value counts.
func (o object) get(name string) any {
	v, _ := o.find(name)
	return v
}

func (o object) find(name string) (value any, found bool) {
	for i := len(o) - 1; i >= 0; i-- {
		if o[i].name == name {
			return o[i].value, true
		}
	}
	return nil, false
}

// byName is for who looks at all members.
func (o object) byName() map[string]any {
	all := make(map[string]any, len(o))
	for _, m := range o {
		all[m.name] = m.value
	}
	return all
}

// MarshalJSON writes the members in the order of their names.
func (o object) MarshalJSON() ([]byte, error) { return json.Marshal(o.byName()) }
