/** Disk images of every common format behind one small interface. */
package sharevm.disk;
