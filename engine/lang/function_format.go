package lang

func formatFunctions() []Function { return nil }
