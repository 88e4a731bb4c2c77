/** Virtual machines as things that people own. */
module sharevm.library {
  requires transitive sharevm.machine;
  requires sharevm.host;

}
