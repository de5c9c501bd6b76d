using LeapAlign.Collectives.Mpi;
using LeapAlign.Contracts.Ranks;

namespace LeapAlign.Parts.Tests.Collectives;

/// <summary>Which library of MPI goes with which launcher: another one makes every process a world of its own.</summary>
public sealed class MpiLibraryTests
{
    private const string Abi = "libmpi_abi.so.0", OpenMpi = "libmpi.so.40", Mpich = "libmpi.so.12", DebianMpich = "libmpich.so.12";

    [Theory]
    [InlineData(Launcher.OpenMpi, new[] { OpenMpi, Abi })]
    [InlineData(Launcher.PmiX, new[] { OpenMpi, Abi })]
    [InlineData(Launcher.Hydra, new[] { Abi, Mpich, DebianMpich })]
    [InlineData(Launcher.Slurm, new[] { Abi, Mpich, DebianMpich, OpenMpi })]
    public void A_launcher_is_tried_with_the_libraries_that_speak_its_language(string launcher, string[] expected) =>
        Assert.Equal(expected, MpiLibrary.Candidates(new Launcher(launcher, 0, 2, 2), static _ => null));

    [Fact]
    public void Under_srun_the_variables_of_pmix_say_that_it_is_open_mpi() =>
        Assert.Equal([OpenMpi, Abi], MpiLibrary.Candidates(new Launcher(Launcher.Slurm, 0, 2, 2), static name => name == "PMIX_RANK" ? "1" : null));

    [Theory]
    [InlineData(Launcher.OpenMpi)]
    [InlineData(Launcher.Hydra)]
    [InlineData(Launcher.Slurm)]
    public void The_one_that_the_user_names_is_the_only_one(string launcher) =>
        Assert.Equal(["/opt/mpi/libmpi.so"], MpiLibrary.Candidates(new Launcher(launcher, 0, 2, 2), static name => name switch
        {
            MpiLibrary.Variable => "/opt/mpi/libmpi.so",
            "PMIX_RANK" => "1",
            _ => null,
        }));

    // What the libraries of Debian 12 and of MPICH 4.3 say.
    [Theory]
    [InlineData("Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4, repo rev: v4.1.4, May 26, 2022", "Open MPI v4.1.4")]
    [InlineData("MPICH Version:      4.0.2\nMPICH Release date: Thu Apr  7 12:34:45 CDT 2022\nMPICH ABI:          14:2:2\n", "MPICH Version 4.0.2")]
    [InlineData("Intel(R) MPI Library 2021.12 for Linux* OS\n", "Intel(R) MPI Library 2021.12 for Linux* OS")]
    public void The_name_and_the_version_are_told_without_the_options_of_the_build(string said, string brief) => Assert.Equal(brief, MpiLibrary.Brief(said));
}
