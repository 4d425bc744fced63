package console

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/manage"
)

// pipelineRoutes are the pages about functions.
func (c *Console) pipelineRoutes() []route {
	const all, one = "/pools/{pool}/pipelines", "/pools/{pool}/pipelines/{pipeline}"
	edit := []manage.Op{manage.PipelinePut, manage.PipelineDryRun}
	return []route{
		{method: http.MethodGet, path: all, ops: []manage.Op{manage.PipelineList, manage.PipelineEnvList}, handle: showFunctions},
		{method: http.MethodPost, path: all, ops: []manage.Op{manage.PipelineEnvSet, manage.PipelineEnvRemove}, handle: changeVariables},
		{method: http.MethodGet, path: all + "/new", handle: newFunction},
		{method: http.MethodPost, path: all + "/new", ops: edit, handle: writeFunction},
		{method: http.MethodGet, path: one, ops: []manage.Op{manage.PipelineGet}, handle: showFunction},
		{method: http.MethodPost, path: one, ops: edit, handle: writeFunction},
		{method: http.MethodGet, path: one + "/history", ops: []manage.Op{manage.PipelineHistory}, handle: showVersions},
		{method: http.MethodPost, path: one + "/do", ops: []manage.Op{
			manage.PipelineEnable, manage.PipelineDisable, manage.PipelineMove, manage.PipelineRemove,
		}, handle: doFunction},
	}
}

// points lists when functions run, in the order a request passes them.
func points() []string {
	return []string{
		"PRE_REGISTER", "POST_REGISTER", "PRE_AUTHENTICATION", "POST_AUTHENTICATION", "PRE_OIDCTOKENISSUED", "PRE_OIDC_ACCESS_TOKEN_ISSUED",
	}
}

func (p *page) functionRef() api.FunctionRef {
	return api.FunctionRef{PoolRef: p.poolRef(), Pipeline: p.r.PathValue("pipeline")}
}

func showFunctions(ctx context.Context, p *page) error {
	list, err := p.c.Manage.Functions(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	env, err := p.c.Manage.FunctionVariables(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	byPoint := map[string][]api.Function{}
	for _, f := range list.Items {
		byPoint[f.Point] = append(byPoint[f.Point], f)
	}
	return p.show(ctx, "menu_pipelines", functionsPage(p, byPoint, len(list.Items), env.Items))
}

// changeVariables gives a name of env a value, or takes one away.
func changeVariables(ctx context.Context, p *page) error {
	f := p.r.PostForm
	ref := api.FunctionVariableRef{PoolRef: p.poolRef(), Name: strings.TrimSpace(f.Get("name"))}
	var err error
	switch f.Get("do") {
	case "set":
		_, err = p.c.Manage.SetFunctionVariable(ctx, p.who, api.FunctionVariableSet{FunctionVariableRef: ref, Value: f.Get("value")})
	case "remove":
		_, err = p.c.Manage.RemoveFunctionVariable(ctx, p.who, ref)
	default:
		err = errs.New(errs.BadRequest, "field", "do")
	}
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return showFunctions(ctx, p)
	}
	return p.done(p.link("pipelines"), "saved")
}

// draft is what the editor has: a function as somebody is writing it, and what they try
// it on.
type draft struct {
	fresh bool // not stored yet
	etag  string
	old   int64 // the version that was taken from the history; 0 for the one that runs
	f     api.Function

	app, person, user, context string

	result *api.DryRunResult
	faulty []sourceLine // around what is wrong
	apps   []api.App
}

func newFunction(ctx context.Context, p *page) error {
	q := p.r.URL.Query()
	d := draft{fresh: true, f: api.Function{Point: cmp.Or(q.Get("point"), "PRE_REGISTER"), Enabled: true, Source: blankFunction}}
	if e, ok := exampleFor(q.Get("example")); ok {
		d.f.Name, d.f.Point, d.f.Source = e.name, e.point, e.source
		d.f.Description = p.say("pipeline_example_" + e.name)
	}
	d.user, d.context = sampleUser, sampleContext
	return p.editor(ctx, d)
}

func showFunction(ctx context.Context, p *page) error {
	version, err := strconv.ParseInt(cmp.Or(p.r.FormValue("version"), "0"), 10, 64)
	if err != nil {
		return errs.New(errs.FunctionNotFound)
	}
	now, err := p.c.Manage.Function(ctx, p.who, api.FunctionQuery{FunctionRef: p.functionRef()})
	if err != nil {
		return err
	}
	d := draft{f: now, etag: api.ETag(now), user: sampleUser, context: sampleContext}
	if version != 0 && version != now.Version {
		old, err := p.c.Manage.Function(ctx, p.who, api.FunctionQuery{FunctionRef: p.functionRef(), Version: version})
		if err != nil {
			return err
		}
		d.f.Source, d.old = old.Source, version
	}
	return p.editor(ctx, d)
}

// editor shows the page on which a function is written and tried.
func (p *page) editor(ctx context.Context, d draft) error {
	apps, err := p.c.Manage.Apps(ctx, p.who, p.poolRef())
	if err != nil && errs.CodeOf(err) != errs.PermissionDenied {
		return err
	}
	d.apps = apps.Items
	return p.show(ctx, "pipeline", editorPage(p, d))
}

// written is the draft as the form has it. Browsers send lines that end in CR LF.
func (p *page) written(ctx context.Context) (draft, error) {
	f := p.r.PostForm
	d := draft{
		etag: f.Get("etag"), app: f.Get("app"), person: strings.TrimSpace(f.Get("person")), user: f.Get("user"), context: f.Get("context"),
	}
	if d.fresh = p.r.PathValue("pipeline") == ""; !d.fresh {
		now, err := p.c.Manage.Function(ctx, p.who, api.FunctionQuery{FunctionRef: p.functionRef()})
		if err != nil && errs.CodeOf(err) != errs.FunctionNotFound {
			return d, err
		}
		if d.f = now; err != nil { // removed meanwhile; what was written can be saved under its name
			d.fresh, d.etag = true, ""
			d.f.Name, d.f.Point, d.f.Enabled = f.Get("name"), f.Get("point"), true
		}
	}
	if d.fresh && d.f.Name == "" {
		d.f.Name, d.f.Point, d.f.Enabled = strings.TrimSpace(f.Get("name")), f.Get("point"), ticked(f, "enabled")
	}
	d.f.Description, d.f.Background = f.Get("description"), ticked(f, "background")
	d.f.Source = strings.ReplaceAll(f.Get("source"), "\r\n", "\n")
	return d, nil
}

// writeFunction saves what was written, or tries it. Whatever is refused, the page comes
// back with it.
func writeFunction(ctx context.Context, p *page) error {
	d, err := p.written(ctx)
	if err != nil {
		return err
	}
	if p.r.PostForm.Get("do") == "run" {
		return p.tryFunction(ctx, d)
	}
	in := api.FunctionPut{
		FunctionRef: api.FunctionRef{PoolRef: p.poolRef(), Pipeline: d.f.Name}, Point: d.f.Point, Source: d.f.Source,
		Description: &d.f.Description, Background: &d.f.Background, Enabled: &d.f.Enabled, Guarded: api.Guarded{IfMatch: d.etag},
	}
	if d.fresh {
		_, err := p.c.Manage.Function(ctx, p.who, api.FunctionQuery{FunctionRef: in.FunctionRef})
		if err == nil {
			p.problem = p.say("pipeline_taken", "name", d.f.Name)
			return p.editor(ctx, d)
		}
	}
	made, err := p.c.Manage.PutFunction(ctx, p.who, in)
	if err != nil {
		d.faulty = around(d.f.Source, errs.From(err).Params["reason"])
		if err := p.refuseKept(err); err != nil {
			return err
		}
		return p.editor(ctx, d)
	}
	return p.done(p.link("pipelines", made.Name), "pipeline_saved", "version", strconv.FormatInt(made.Version, 10))
}

// tryFunction runs what was written on the sample beside it.
func (p *page) tryFunction(ctx context.Context, d draft) error {
	in := api.DryRun{PoolRef: p.poolRef(), Point: d.f.Point, Source: d.f.Source, App: d.app, Person: d.person}
	var err error
	if d.person == "" {
		in.User, err = sample("user", d.user)
	}
	if err == nil {
		in.Context, err = sample("context", d.context)
	}
	var r api.DryRunResult
	if err == nil {
		r, err = p.c.Manage.DryRun(ctx, p.who, in)
	}
	if err != nil {
		if err := p.refuseKept(err); err != nil {
			return err
		}
		return p.editor(ctx, d)
	}
	d.result, d.faulty = &r, around(d.f.Source, r.Cause)
	return p.editor(ctx, d)
}

// sample reads JSON somebody typed; nothing is none.
func sample(field, text string) (json.RawMessage, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if !json.Valid([]byte(text)) {
		return nil, errs.New(errs.BadRequest, "field", field)
	}
	return json.RawMessage(text), nil
}

func showVersions(ctx context.Context, p *page) error {
	list, err := p.c.Manage.FunctionHistory(ctx, p.who, p.functionRef())
	if err != nil {
		return err
	}
	return p.show(ctx, "pipeline_history", versionsPage(p, p.r.PathValue("pipeline"), list.Items))
}

// doFunction does what a button beside a function says.
func doFunction(ctx context.Context, p *page) error {
	ref, f := p.functionRef(), p.r.PostForm
	var err error
	switch f.Get("do") {
	case "enable":
		_, err = p.c.Manage.EnableFunction(ctx, p.who, ref)
	case "disable":
		_, err = p.c.Manage.DisableFunction(ctx, p.who, ref)
	case "move":
		position, wrong := strconv.Atoi(f.Get("position"))
		if wrong != nil {
			return errs.New(errs.BadRequest, "field", "position")
		}
		_, err = p.c.Manage.MoveFunction(ctx, p.who, api.FunctionMove{FunctionRef: ref, Position: position})
	case "remove":
		if _, err = p.c.Manage.RemoveFunction(ctx, p.who, ref); err == nil {
			return p.done(p.link("pipelines"), "pipeline_removed")
		}
	default:
		err = errs.New(errs.BadRequest, "field", "do")
	}
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return showFunctions(ctx, p)
	}
	return p.done(p.link("pipelines"), "saved")
}

// sourceLine is a line of a source, and whether what is wrong is there.
type sourceLine struct {
	number int
	text   string
	wrong  bool
}

var lineNumber = regexp.MustCompile(`\(line (\d+)\)`)

// around finds the line that an error of the interpreter names, with those beside it.
func around(source, reason string) []sourceLine {
	m := lineNumber.FindStringSubmatch(reason)
	if m == nil {
		return nil
	}
	at, err := strconv.Atoi(m[1])
	lines := strings.Split(source, "\n")
	if err != nil || at < 1 || at > len(lines) {
		return nil
	}
	var found []sourceLine
	for n := max(1, at-2); n <= min(len(lines), at+2); n++ {
		found = append(found, sourceLine{n, lines[n-1], n == at})
	}
	return found
}

// pretty writes JSON for people.
func pretty(v any) string {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return ""
	}
	return string(text)
}

// newAt is the address of the page for a new function.
func (p *page) newAt(name, value string) string {
	return p.link("pipelines", "new") + "?" + url.Values{name: {value}}.Encode()
}
