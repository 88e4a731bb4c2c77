/** The virtual PC and its life: build, run, stop, save, restore. */
package sharevm.machine;
