// Package junit writes test reports in the XML that CI systems read: JUnit's, as
// far as GitLab, GitHub's reporters and Jenkins agree about it.
//
// It counts and writes; what a case is, and when it has failed, is for its callers
// to say. It holds no times, so that equal runs give equal bytes.
package junit
