using LeapAlign.Host.Commands.Streams;

namespace LeapAlign.Host.Tests.Commands;

/// <summary>Standard streams that cannot be written, and text that would move a cursor.</summary>
public sealed class StreamTests
{
    public static TheoryData<Exception> Losses =>
        [new IOException("No space left on device"), new UnauthorizedAccessException("Access to the path is denied."), new ArgumentOutOfRangeException("value", "a limit on the size of files"), new ObjectDisposedException("stream"), new NotSupportedException("no")];

    [Theory]
    [MemberData(nameof(Losses))]
    public void What_cannot_be_written_is_lost_and_nothing_else(Exception loss)
    {
        var disk = new Disk { Loss = loss };
        using var stream = new LastingStream(disk);
        using (var writer = new StreamWriter(stream, leaveOpen: true) { AutoFlush = true })
        {
            writer.WriteLine("one");
            Assert.Equal(loss.Message.TrimEnd('.'), stream.Lost);
            disk.Loss = null;
            writer.WriteLine("two");
            disk.Loss = new IOException("another");
            writer.WriteLine("three");
        }
        Assert.Equal("two\n", disk.Written);
        Assert.Equal(loss.Message.TrimEnd('.'), stream.Lost);
    }

    [Fact]
    public void A_mistake_of_the_program_is_not_taken_for_a_loss()
    {
        using var stream = new LastingStream(new Disk { Loss = new InvalidOperationException("mistake") });
        Assert.Throws<InvalidOperationException>(() => stream.Write([1]));
    }

    [Theory]
    [InlineData("plain, größer\n\tand 日本\n", "plain, größer\n\tand 日本\n")]
    [InlineData("\u001b[2J\u001b]0;title\a", "\\u001b[2J\\u001b]0;title\\u0007")]
    [InlineData("over\rwritten\r\nnext\b", "over\\u000dwritten\nnext\\u0008")]
    [InlineData("\u009b31m \u202ecod.exe", "\\u009b31m \\u202ecod.exe")]
    public void What_does_not_show_is_escaped_however_it_is_written(string text, string shown)
    {
        Assert.Equal(shown, PlainTextWriter.Of(text));
        Assert.Equal(shown, Written(writer => writer.Write(text)));
        Assert.Equal(shown, Written(writer => writer.Write(text.AsSpan())));
        Assert.Equal(shown, Written(writer => writer.Write(text.ToCharArray(), 0, text.Length)));
        Assert.Equal($"{shown}\n", Written(writer => writer.WriteLine(text)));
        Assert.Equal($"{shown}\n", Written(writer => writer.WriteLine("{0}", text)));
        // One by one, the end of a line of another system is no pair.
        if (!text.Contains("\r\n", StringComparison.Ordinal)) Assert.Equal(shown, Written(writer => text.ToList().ForEach(writer.Write)));
    }

    [Theory]
    [InlineData(6, "list")]
    [InlineData(6, "settings", "run")]
    [InlineData(6, "--help")]
    [InlineData(6, "train", "--help")]
    [InlineData(0, "train", "--name", "a")]
    [InlineData(0, "generate", "a cat")]
    [InlineData(3, "settings", "nothing-like-it")]
    public void An_output_that_was_lost_is_a_fault_where_it_was_the_result(int code, params string[] arguments)
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        var terminal = new TestTerminal { Lost = "No space left on device" };
        Assert.Equal(code, terminal.Run("none", [.. arguments, "-c", workspace.Config]));
        Assert.Equal(code == 6, terminal.Error.Contains("error LA5002: standard output could not be written: No space left on device", StringComparison.Ordinal));
    }

    private static string Written(Action<TextWriter> write)
    {
        using var inner = new StringWriter();
        using var writer = new PlainTextWriter(inner);
        write(writer);
        return inner.ToString();
    }

    private sealed class Disk : MemoryStream
    {
        public Exception? Loss { get; set; }

        public string Written => System.Text.Encoding.UTF8.GetString(ToArray());

        // The span of a derived stream comes here too.
        public override void Write(byte[] buffer, int offset, int count)
        {
            if (Loss is not null) throw Loss;
            base.Write(buffer, offset, count);
        }

        public override void Flush()
        {
            if (Loss is not null) throw Loss;
        }
    }
}
