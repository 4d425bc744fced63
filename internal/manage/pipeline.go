package manage

import (
	"context"
	"maps"
	"slices"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/pipeline"
)

// What can be done with functions.
const (
	PipelineList      Op = "pipeline.list"
	PipelineGet       Op = "pipeline.get"
	PipelinePut       Op = "pipeline.put"
	PipelineEnable    Op = "pipeline.enable"
	PipelineDisable   Op = "pipeline.disable"
	PipelineMove      Op = "pipeline.move"
	PipelineRemove    Op = "pipeline.remove"
	PipelineHistory   Op = "pipeline.history"
	PipelineDryRun    Op = "pipeline.dry-run"
	PipelineEnvList   Op = "pipeline.env-list"
	PipelineEnvSet    Op = "pipeline.env-set"
	PipelineEnvRemove Op = "pipeline.env-remove"
)

// pipelineOperations are what can be done with functions.
func pipelineOperations() []Operation {
	return []Operation{
		{PipelineList, operator.PipelinesRead, "List the functions of a pool in the order they run"},
		{PipelineGet, operator.PipelinesRead, "Show a function with its source"},
		{PipelinePut, operator.PipelinesWrite, "Store a function, or the next version of the one of the same name"},
		{PipelineEnable, operator.PipelinesWrite, "Let a function run"},
		{PipelineDisable, operator.PipelinesWrite, "Keep a function from running"},
		{PipelineMove, operator.PipelinesWrite, "Give a function another place in its chain; 1 is the first"},
		{PipelineRemove, operator.PipelinesWrite, "Delete a function with all its versions; the record keeps their hashes"},
		{PipelineHistory, operator.PipelinesRead, "List the versions of a function with their sources, newest first"},
		{PipelineDryRun, operator.PipelinesWrite, "Run a function on a person and a context of your choice; nothing is stored"},
		{PipelineEnvList, operator.PipelinesRead, "List the names functions read in env; values are never shown"},
		{PipelineEnvSet, operator.PipelinesWrite, "Give a name of env its value"},
		{PipelineEnvRemove, operator.PipelinesWrite, "Take a name of env away"},
	}
}

// Functions lists the functions of a pool in the order of points and chains. There are
// few: they are not paged.
func (s *Service) Functions(ctx context.Context, p operator.Principal, in api.PoolRef) (list api.List[api.Function], err error) {
	if _, err := s.may(ctx, p, PipelineList, in.Pool); err != nil {
		return list, err
	}
	list.Items, err = s.functions(ctx, in.Pool)
	return list, err
}

// functions are all functions of a pool, each with its place in its chain.
func (s *Service) functions(ctx context.Context, poolID string) ([]api.Function, error) {
	all, err := s.d.Pipelines.List(ctx, poolID)
	if err != nil {
		return nil, err
	}
	views, places := make([]api.Function, len(all)), make(map[pipeline.Point]int)
	for i, f := range all {
		places[f.Point]++
		views[i] = functionView(f, places[f.Point])
	}
	return views, nil
}

// Function returns a function with the source that runs, or an older one.
// Errors: FunctionNotFound.
func (s *Service) Function(ctx context.Context, p operator.Principal, in api.FunctionQuery) (api.Function, error) {
	if _, err := s.may(ctx, p, PipelineGet, in.Pool); err != nil {
		return api.Function{}, err
	}
	v, err := s.function(ctx, in.FunctionRef)
	if err != nil || in.Version == 0 || in.Version == v.Version {
		return v, err
	}
	old, err := s.versions(ctx, in.FunctionRef)
	if err != nil {
		return v, err
	}
	i := slices.IndexFunc(old, func(f api.Function) bool { return f.Version == in.Version })
	if i < 0 {
		return v, errs.New(errs.FunctionNotFound)
	}
	v.Version, v.Author, v.UpdatedAt, v.Source, v.SHA256 = old[i].Version, old[i].Author, old[i].UpdatedAt, old[i].Source, old[i].SHA256
	return v, nil
}

// function is one function with its place and its source.
func (s *Service) function(ctx context.Context, in api.FunctionRef) (api.Function, error) {
	f, err := s.d.Pipelines.Get(ctx, in.Pool, in.Pipeline)
	if err != nil {
		return api.Function{}, err
	}
	all, err := s.functions(ctx, in.Pool)
	if err != nil {
		return api.Function{}, err
	}
	v := functionView(f, 1)
	if i := slices.IndexFunc(all, func(o api.Function) bool { return o.ID == f.ID }); i >= 0 {
		v.Position = all[i].Position
	}
	return v, nil
}

// PutFunction stores a function or its next version. Errors: EditConflict, BadRequest,
// FieldTooLong, and PipelineInvalid with what is wrong and where as reason.
func (s *Service) PutFunction(ctx context.Context, p operator.Principal, in api.FunctionPut) (api.Function, error) {
	m, err := s.may(ctx, p, PipelinePut, in.Pool)
	if err != nil {
		return api.Function{}, err
	}
	f := pipeline.Function{Name: in.Pipeline, Enabled: true}
	old, err := s.function(ctx, in.FunctionRef)
	switch {
	case err == nil:
		f = pipeline.Function{
			Name: old.Name, Description: old.Description, Background: old.Background, Enabled: old.Enabled, Point: pipeline.Point(old.Point),
		}
	case errs.CodeOf(err) != errs.FunctionNotFound:
		return old, err
	default:
		set(&f.Enabled, in.Enabled)
	}
	if in.Point != "" {
		f.Point = pipeline.Point(in.Point)
	}
	set(&f.Description, in.Description)
	set(&f.Background, in.Background)
	f.Source, f.Author = in.Source, m.Actor
	made, err := s.d.Pipelines.Put(ctx, in.Pool, f, func(ctx context.Context) error { return s.matchFunction(ctx, in) })
	if err != nil {
		return old, err
	}
	in.Pipeline = made.ID
	return s.function(ctx, in.FunctionRef)
}

// matchFunction refuses, in the transaction of ctx, a change that was based on another
// state than the one there is.
func (s *Service) matchFunction(ctx context.Context, in api.FunctionPut) error {
	if in.IfMatch == "" {
		return nil
	}
	ctx, err := turn(ctx, s.d.DB, in.Pool)
	if err != nil {
		return err
	}
	now, err := s.function(ctx, in.FunctionRef)
	if errs.CodeOf(err) == errs.FunctionNotFound { // it was removed meanwhile
		return errs.New(errs.EditConflict)
	}
	if err != nil {
		return err
	}
	return match(in.Guarded, now)
}

// EnableFunction lets a function run. Errors: FunctionNotFound.
func (s *Service) EnableFunction(ctx context.Context, p operator.Principal, in api.FunctionRef) (api.Function, error) {
	return s.switchFunction(ctx, p, PipelineEnable, in, true)
}

// DisableFunction keeps a function from running. Errors: FunctionNotFound.
func (s *Service) DisableFunction(ctx context.Context, p operator.Principal, in api.FunctionRef) (api.Function, error) {
	return s.switchFunction(ctx, p, PipelineDisable, in, false)
}

func (s *Service) switchFunction(ctx context.Context, p operator.Principal, op Op, in api.FunctionRef, on bool) (api.Function, error) {
	m, err := s.may(ctx, p, op, in.Pool)
	if err != nil {
		return api.Function{}, err
	}
	if err := s.d.Pipelines.SetEnabled(ctx, in.Pool, in.Pipeline, on, m.Actor); err != nil {
		return api.Function{}, err
	}
	return s.function(ctx, in)
}

// MoveFunction gives a function another place in its chain. Errors: FunctionNotFound.
func (s *Service) MoveFunction(ctx context.Context, p operator.Principal, in api.FunctionMove) (api.Function, error) {
	m, err := s.may(ctx, p, PipelineMove, in.Pool)
	if err != nil {
		return api.Function{}, err
	}
	if in.Position < 1 {
		return api.Function{}, errs.New(errs.BadRequest, "field", "position")
	}
	if err := s.d.Pipelines.Move(ctx, in.Pool, in.Pipeline, in.Position-1, m.Actor); err != nil {
		return api.Function{}, err
	}
	return s.function(ctx, in.FunctionRef)
}

// RemoveFunction deletes a function with all its versions. Errors: FunctionNotFound.
func (s *Service) RemoveFunction(ctx context.Context, p operator.Principal, in api.FunctionRef) (api.None, error) {
	m, err := s.may(ctx, p, PipelineRemove, in.Pool)
	if err != nil {
		return api.None{}, err
	}
	return api.None{}, s.d.Pipelines.Remove(ctx, in.Pool, in.Pipeline, m.Actor)
}

// FunctionHistory lists every version of a function with its source, newest first.
// Errors: FunctionNotFound.
func (s *Service) FunctionHistory(ctx context.Context, p operator.Principal, in api.FunctionRef) (list api.List[api.Function], err error) {
	if _, err := s.may(ctx, p, PipelineHistory, in.Pool); err != nil {
		return list, err
	}
	list.Items, err = s.versions(ctx, in)
	return list, err
}

func (s *Service) versions(ctx context.Context, in api.FunctionRef) ([]api.Function, error) {
	now, err := s.function(ctx, in)
	if err != nil {
		return nil, err
	}
	all, err := s.d.Pipelines.History(ctx, in.Pool, in.Pipeline)
	views := make([]api.Function, len(all))
	for i, f := range all {
		views[i] = functionView(f, now.Position)
	}
	return views, err
}

// FunctionVariables lists the names functions read in env.
func (s *Service) FunctionVariables(ctx context.Context, p operator.Principal, in api.PoolRef) (list api.List[api.FunctionVariable], err error) {
	if _, err := s.may(ctx, p, PipelineEnvList, in.Pool); err != nil {
		return list, err
	}
	env, err := s.d.Pipelines.Env(ctx, in.Pool)
	list.Items = make([]api.FunctionVariable, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list.Items = append(list.Items, api.FunctionVariable{Name: name})
	}
	return list, err
}

// SetFunctionVariable gives a name of env its value. Errors: BadRequest, FieldTooLong.
func (s *Service) SetFunctionVariable(ctx context.Context, p operator.Principal, in api.FunctionVariableSet) (api.FunctionVariable, error) {
	m, err := s.may(ctx, p, PipelineEnvSet, in.Pool)
	if err != nil {
		return api.FunctionVariable{}, err
	}
	return api.FunctionVariable{Name: in.Name}, s.d.Pipelines.SetEnv(ctx, in.Pool, in.Name, in.Value, m.Actor)
}

// RemoveFunctionVariable takes a name of env away. Errors: those of the pipelines.
func (s *Service) RemoveFunctionVariable(ctx context.Context, p operator.Principal, in api.FunctionVariableRef) (api.None, error) {
	m, err := s.may(ctx, p, PipelineEnvRemove, in.Pool)
	if err != nil {
		return api.None{}, err
	}
	return api.None{}, s.d.Pipelines.RemoveEnv(ctx, in.Pool, in.Name, m.Actor)
}

func functionView(f pipeline.Function, position int) api.Function {
	v := api.Function{
		ID: f.ID, Name: f.Name, Description: f.Description, Point: string(f.Point), Position: position,
		Enabled: f.Enabled, Background: f.Background, Version: f.Version, Author: f.Author,
		CreatedAt: f.CreatedAt.UTC(), UpdatedAt: f.UpdatedAt.UTC(), Source: f.Source,
	}
	if f.Source != "" {
		v.SHA256 = f.SHA256()
	}
	return v
}
