//! Where one file comes from and where it goes, for the driver.
