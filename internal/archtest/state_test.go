package archtest

import (
	"go/ast"
	"go/token"
	"testing"
)

// changing are the package-level variables that may change while the program
// runs, each with its reason.
var changing = map[string]string{
	"steps.declared":          "the list of kinds, grown by declare before main begins and copied by Registry",
	"engine/step.memberCache": "what reflection has found out of a type; it is the same whoever asks",
}

// TestNothingGlobalChanges finds assignments to package-level variables, and
// those that are made to be changed.
func TestNothingGlobalChanges(t *testing.T) {
	files := code(t)
	globals := map[string]map[string]*ast.ValueSpec{}
	for _, s := range files {
		if globals[s.pkg] == nil {
			globals[s.pkg] = map[string]*ast.ValueSpec{}
		}
		for _, spec := range variables(s.file) {
			for _, name := range spec.Names {
				if name.Name != "_" {
					globals[s.pkg][name.Name] = spec
				}
			}
			if mutableType(spec.Type) {
				complain(t, s, spec.Names[0], "is made to be changed")
			}
		}
	}
	for _, s := range files {
		for _, d := range s.file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				for _, target := range targets(n) {
					name := rootOf(target)
					if name == nil || globals[s.pkg][name.Name] == nil || local(name, globals[s.pkg]) {
						continue
					}
					complain(t, s, name, "is assigned to")
				}
				return true
			})
		}
	}
}

func complain(t *testing.T, s source, name *ast.Ident, what string) {
	t.Helper()
	if changing[s.pkg+"."+name.Name] == "" {
		t.Errorf("%s: the package-level variable %s %s; keep it in a value that is passed on", s.at(name.Pos()), name.Name, what)
	}
}

// variables lists the package-level variables of a file.
func variables(f *ast.File) []*ast.ValueSpec {
	var specs []*ast.ValueSpec
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
			for _, spec := range g.Specs {
				specs = append(specs, spec.(*ast.ValueSpec))
			}
		}
	}
	return specs
}

// mutableType reports the types of package sync that hold what changes.
func mutableType(e ast.Expr) bool {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && (pkg.Name == "sync" || pkg.Name == "atomic")
}

// targets are the expressions that a statement changes.
func targets(n ast.Node) []ast.Expr {
	switch x := n.(type) {
	case *ast.AssignStmt:
		if x.Tok != token.DEFINE {
			return x.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{x.X}
	}
	return nil
}

// rootOf is the variable that a, a.b, a[i] or *a belongs to.
func rootOf(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// local reports whether a name means a parameter or a variable of a function
// that hides the package-level one.
func local(name *ast.Ident, globals map[string]*ast.ValueSpec) bool {
	obj := name.Obj
	return obj != nil && obj.Decl != globals[name.Name]
}

func TestNoInitFunctions(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: an init function; let the caller begin what must be begun", s.at(fn.Pos()))
			}
		}
	}
}
