/** The fast engine: x86 guest code to x86-64 host code. */
module sharevm.translator {
  requires transitive sharevm.cpu;
  requires transitive sharevm.host;

  exports sharevm.translator;
}
