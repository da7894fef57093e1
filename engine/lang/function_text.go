package lang

func textFunctions() []Function { return nil }
