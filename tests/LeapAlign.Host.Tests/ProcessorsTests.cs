using LeapAlign.Host.Runtime;

namespace LeapAlign.Host.Tests;

/// <summary>Threads from what a process may use, in folders that look like those of Linux.</summary>
public sealed class ProcessorsTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("leapalign-proc-").FullName;

    [Theory]
    [InlineData("0-7", "0-7", "max 100000", 8, null)]
    [InlineData("0-7", "0,2-3", "max 100000", 3, null)]
    [InlineData("0-7", "0-7", "100000 100000", 1, 1.0)]
    [InlineData("0-7", "0-7", "20000 100000", 1, 0.2)]
    [InlineData("0-7", "0-7", "250000 100000", 3, 2.5)]
    [InlineData("0-3,8-11", "0-1", "800000 100000", 2, 8.0)]
    [InlineData("0-7", "0-7", "nonsense", 8, null)]
    public void Mask_and_quota_are_both_kept(string online, string allowed, string quota, int threads, double? share)
    {
        Machine(online, allowed);
        Write("proc/self/cgroup", "0::/user/run\n");
        Write("sys/fs/cgroup/user/run/cpu.max", $"{quota}\n");
        var found = Processors.Read(_root);
        Assert.Equal((threads, share), (found.Threads, found.Quota));
    }

    [Fact]
    public void A_quota_of_a_group_further_up_counts()
    {
        Machine("0-7", "0-7");
        Write("proc/self/cgroup", "0::/pod/container/run\n");
        Write("sys/fs/cgroup/pod/container/run/cpu.max", "max 100000\n");
        Write("sys/fs/cgroup/pod/container/cpu.max", "400000 100000\n");
        Write("sys/fs/cgroup/pod/cpu.max", "150000 100000\n");
        Assert.Equal((2, 1.5), (Processors.Read(_root).Threads, Processors.Read(_root).Quota));
    }

    [Theory]
    [InlineData("0::/a/b/c/d\n", "sys/fs/cgroup/a/cpu.max", "300000 100000")]
    [InlineData("0::/a/b/c/d\n", "sys/fs/cgroup/unified/a/b/cpu.max", "300000 100000")]
    [InlineData("4:cpu,cpuacct:/a/b/c/d\n", "sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "300000")]
    public void A_quota_that_only_a_group_further_up_sets_counts(string groups, string file, string quota)
    {
        Machine("0-7", "0-7");
        Write("proc/self/cgroup", groups);
        Write(file, quota);
        if (file.EndsWith("_us", StringComparison.Ordinal)) Write(file.Replace("quota", "period", StringComparison.Ordinal), "100000");
        Assert.Equal((3, 3.0), (Processors.Read(_root).Threads, Processors.Read(_root).Quota));
    }

    [Fact]
    public void A_container_whose_own_path_is_not_mounted_has_the_quota_of_the_mount()
    {
        Machine("0-7", "0-7");
        Write("proc/self/cgroup", "0::/docker/abc\n");
        Write("sys/fs/cgroup/cpu.max", "300000 100000\n");
        Assert.Equal(3, Processors.Read(_root).Threads);
    }

    [Theory]
    [InlineData("200000", 2)]
    [InlineData("-1", 8)]
    public void Version_1_is_read_too(string quota, int threads)
    {
        Machine("0-7", "0-7");
        Write("proc/self/cgroup", "12:cpuset:/other\n4:cpu,cpuacct:/docker/abc\n0::/\n");
        Write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota);
        Write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
        Assert.Equal(threads, Processors.Read(_root).Threads);
    }

    [Fact]
    public void Where_nothing_is_told_the_runtime_is_asked() => Assert.Equal(Environment.ProcessorCount, Processors.Read(_root).Threads);

    [Theory]
    [InlineData("SigIgn:\t0000000000001001", 1, true)]
    [InlineData("SigIgn:\t0000000000001000", 1, false)]
    [InlineData("SigIgn:\t0000000001000000", 25, true)]
    [InlineData("SigBlk:\tffffffffffffffff", 1, false)]
    public void A_process_knows_which_signals_it_is_deaf_to(string status, int signal, bool deaf) => Assert.Equal(deaf, Libc.Ignores(signal, ["Name:\tx", status]));

    [Theory]
    [InlineData("Max open files            64                   64                   files     ", 64)]
    [InlineData("Max open files            511                  524288               files     ", 511)]
    [InlineData("Max open files            512                  512                  files     ", null)]
    [InlineData("Max open files            unlimited            unlimited            files     ", null)]
    [InlineData("Max processes             64                   64                   processes ", null)]
    public void A_process_that_may_open_too_few_files_is_told_how_many(string line, int? limit)
    {
        var refusal = OpenFiles.RefusalOf($"Limit                     Soft Limit           Hard Limit           Units     \n{line}\nMax locked memory         8388608              8388608              bytes     \n");
        if (limit is null) Assert.Null(refusal);
        else Assert.Contains($"may have {limit} files open at once, and needs up to {OpenFiles.Needed}", refusal, StringComparison.Ordinal);
        Assert.Equal(OpenFiles.ExitCode, new Pipeline.Fault.Run(Pipeline.FaultCodes.TooFewFiles, "").ExitCode);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private void Machine(string online, string allowed)
    {
        Write("sys/devices/system/cpu/online", $"{online}\n");
        Write("proc/self/status", $"Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t{allowed}\n");
    }

    private void Write(string file, string text)
    {
        var path = Path.Combine(_root, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
