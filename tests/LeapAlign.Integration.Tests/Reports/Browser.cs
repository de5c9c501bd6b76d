using PuppeteerSharp;

namespace LeapAlign.Integration.Tests.Reports;

/// <summary>A page of headless Chromium, and what it complained about or asked the network for.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private static readonly string[] s_names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

    private readonly IBrowser _browser;

    private Browser(IBrowser browser, IPage page) => (_browser, Page) = (browser, page);

    public IPage Page { get; }

    /// <summary>Messages of the console and exceptions of scripts.</summary>
    public List<string> Complaints { get; } = [];

    /// <summary>Requests for anything but the page itself and the data within it.</summary>
    public List<string> Requests { get; } = [];

    /// <summary>Starts the browser of LEAPALIGN_CHROMIUM, or the first on the path. Where there is none the test fails in CI and is skipped elsewhere.</summary>
    public static async Task<Browser> Start()
    {
        var program = Environment.GetEnvironmentVariable("LEAPALIGN_CHROMIUM") is { Length: > 0 } named ? named : OnPath();
        if (program is null)
        {
            const string why = "no Chromium is on the path: apt-get install chromium, or set LEAPALIGN_CHROMIUM to a Chromium or Chrome";
            if (Environment.GetEnvironmentVariable("CI") is { Length: > 0 }) Assert.Fail(why);
            Assert.Skip(why);
        }
        // A container has no user namespaces for the sandbox; what is opened is our own file.
        var browser = await Puppeteer.LaunchAsync(new LaunchOptions { ExecutablePath = program, Headless = true, Args = ["--no-sandbox", "--disable-gpu"], Timeout = 120_000 });
        return new Browser(browser, await browser.NewPageAsync());
    }

    /// <summary>Opens a file.</summary>
    public async Task Open(string path)
    {
        Page.Console += (_, said) => Complaints.Add($"{said.Message.Type}: {said.Message.Text}");
        Page.PageError += (_, failed) => Complaints.Add(failed.Message);
        Page.Request += (_, asked) =>
        {
            if (!asked.Request.Url.StartsWith("data:", StringComparison.Ordinal) && asked.Request.Url != new Uri(path).AbsoluteUri) Requests.Add(asked.Request.Url);
        };
        await Page.GoToAsync(new Uri(path).AbsoluteUri);
    }

    /// <summary>Takes a screen and a colour scheme.</summary>
    public async Task Show(int width, int height, bool dark)
    {
        await Page.SetViewportAsync(new ViewPortOptions { Width = width, Height = height, IsMobile = width < 600, HasTouch = width < 600 });
        // Without motion, or a click would aim at where an element was before the page had scrolled to it.
        await Page.EmulateMediaFeaturesAsync(
        [
            new MediaFeatureValue { MediaFeature = MediaFeature.PrefersColorScheme, Value = dark ? "dark" : "light" },
            new MediaFeatureValue { MediaFeature = MediaFeature.PrefersReducedMotion, Value = "reduce" },
        ]);
    }

    public async ValueTask DisposeAsync() => await _browser.DisposeAsync();

    private static string? OnPath() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(static folder => s_names.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
}
