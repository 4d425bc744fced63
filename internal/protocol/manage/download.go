package manage

import (
	"context"
	"net/http"
	"reflect"

	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/web"
)

// send answers with a file. Before its first byte it may still fail like any operation.
type send func(w http.ResponseWriter, r *http.Request) error

// download makes the endpoint of an operation whose answer is a file of any length.
func download[In any](p *Protocol, op manage.Op, path, media string,
	fn func(context.Context, operator.Principal, In) (send, error),
) Operation {
	run := func(ctx context.Context, in In) (send, error) {
		who, err := p.principal(ctx)
		if err != nil {
			return nil, err
		}
		return fn(ctx, who, in)
	}
	write := func(w http.ResponseWriter, r *http.Request, answer send) error {
		web.Patient(w)
		return answer(w, r)
	}
	return Operation{
		Op: op, Method: http.MethodGet, Path: path, In: reflect.TypeFor[In](), Out: reflect.TypeFor[struct{}](), Media: media,
		handler: web.Endpoint(p, run, write),
	}
}
