// Package heap decides how far the heap grows between two collections.
//
// Go lets it grow by as much as lives, and by 4 MB at least. A broadcast has little
// that lives for long, a planner some filters of fixed size that cost a collection
// nothing, and both make garbage quickly. So growth by a fixed amount costs less
// memory where more lives and less processor time where less does, and what a flow
// really holds, such as a list that is collected, is still given nearly as much
// again.
package heap
