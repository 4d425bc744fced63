package web

import "reflect"

// Object makes a reader of JSON objects that arrive inside the body of a request. It
// fills In from one as strictly as JSON does from the body, Validate included; there are
// no other sources.
func Object[In any]() func(data []byte) (In, error) {
	plan, bad := planFor[In]()
	return func(data []byte) (In, error) {
		in := new(In)
		if bad != nil {
			return *in, bad
		}
		if plan.body != nil {
			if err := decode(data, plan.body, reflect.ValueOf(in).Elem()); err != nil {
				return *in, err
			}
		}
		if plan.validate {
			if val, ok := any(in).(validator); ok {
				return *in, val.Validate()
			}
		}
		return *in, nil
	}
}
